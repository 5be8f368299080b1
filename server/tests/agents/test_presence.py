"""Whether an agent is connected, told from its real connections."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, update

from sbs_protocol.events import Heartbeat
from sbs_server.agents.presence import Presence
from sbs_server.config import Settings
from sbs_server.messaging.live_connections import LiveConnections
from sbs_server.models import Agent, Outbox
from sbs_server.testing.bus import (
    Databases,
    Enrol,
    EnrolledAgent,
    RunningBus,
    connect_agent,
    eventually,
)


async def row(databases: Databases, agent: EnrolledAgent) -> Agent:
    async with databases.app.transaction(agent.organization_id) as session:
        return await session.get_one(Agent, agent.id)


async def is_connected(databases: Databases, agent: EnrolledAgent, *, wanted: bool) -> None:
    async def so() -> bool:
        return (await row(databases, agent)).connected is wanted

    await eventually(so, f"connected is {wanted}")


async def told(databases: Databases, agent: EnrolledAgent) -> list[str]:
    async with databases.system.transaction() as session:
        query = select(Outbox.payload).where(Outbox.aggregate == f"agent:{agent.id.hex}").order_by(Outbox.id)
        return [payload["type"] for payload in await session.scalars(query)]


async def test_each_change_is_written_and_told_once(
    bus_settings: Settings, databases: Databases, enrol: Enrol, bus: RunningBus
) -> None:
    agent = await enrol()
    async with connect_agent(bus_settings, agent) as connection:
        await is_connected(databases, agent, wanted=True)
        assert (await row(databases, agent)).last_seen_at is not None
        beat = Heartbeat(protocol=1, boot_id="b").model_dump_json().encode()
        for _ in range(3):
            await connection.client.publish(f"hb.{agent.id.hex}", beat)
        await connection.client.flush()
    await is_connected(databases, agent, wanted=False)
    assert await told(databases, agent) == ["agent.connected.v1", "agent.disconnected.v1"]


async def test_a_reconnect_that_overlaps_is_no_change(
    bus_settings: Settings, databases: Databases, enrol: Enrol, bus: RunningBus
) -> None:
    agent = await enrol()
    async with connect_agent(bus_settings, agent):
        await is_connected(databases, agent, wanted=True)
        async with connect_agent(bus_settings, agent):
            pass
        other = await enrol()  # its change is written after the one that must not come
        async with connect_agent(bus_settings, other):
            await is_connected(databases, other, wanted=True)
        assert (await row(databases, agent)).connected
    await is_connected(databases, agent, wanted=False)
    assert await told(databases, agent) == ["agent.connected.v1", "agent.disconnected.v1"]


@pytest.mark.parametrize(("silent_for", "connected"), [(30, True), (300, False)])
async def test_who_has_not_been_heard_of_is_swept(
    databases: Databases, enrol: Enrol, silent_for: int, connected: bool
) -> None:
    agent = await enrol()
    seen = datetime.now(UTC) - timedelta(seconds=silent_for)
    async with databases.app.transaction(agent.organization_id) as session:
        await session.execute(update(Agent).values(connected=True, last_seen_at=seen))
    await Presence(databases.system, LiveConnections()).sweep()
    assert (await row(databases, agent)).connected is connected
    assert await told(databases, agent) == ([] if connected else ["agent.disconnected.v1"])


async def test_what_could_not_be_written_is_kept(databases: Databases, enrol: Enrol) -> None:
    agent = await enrol()
    presence = Presence(databases.system, LiveConnections())
    presence.seen(agent.id)
    async with databases.system.transaction() as session:
        await session.execute(select(Agent.id).where(Agent.id == agent.id).with_for_update())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await presence.flush()
    await presence.flush()
    assert (await row(databases, agent)).connected
    async with databases.system.transaction() as session:
        await session.execute(delete(Outbox).where(Outbox.aggregate == f"agent:{agent.id.hex}"))
