"""What the bus does when the servers it needs are taken away under it."""

import json
import os
import signal
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from sbs_server.config import Settings
from sbs_server.messaging import outbox
from sbs_server.messaging.connection import Link
from sbs_server.models import Agent
from sbs_server.testing.bus import Databases, Enrol, RunningBus, connect_agent, eventually
from sbs_server.testing.services import PlatformServices


def process_of(services: PlatformServices, component: str) -> int:
    return int(json.loads((services.data_dir / "run" / f"{component}.json").read_text())["pid"])


def kill(services: PlatformServices, component: str) -> int:
    """kill -9 of a server; its supervisor starts it again."""
    pid = process_of(services, component)
    os.kill(pid, signal.SIGKILL)
    return pid


async def domain_events(bus: RunningBus, organization_id: UUID) -> int:
    subject = f"event.{organization_id.hex}.>"
    info = await bus.jetstream.stream_info("EVENTS", subjects_filter=subject)
    return sum((info.state.subjects or {}).values())


async def test_a_consumer_that_was_deleted_is_made_again(bus: RunningBus, control: Link) -> None:
    before = bus.links.control.client
    # Over another connection: the bus drops its own at once, before an answer could come over it.
    jetstream = control.client.jetstream()
    await jetstream.delete_consumer("EVT", "bus")

    async def back() -> bool:
        link = bus.links.control
        if not link.connected or link.client is before:
            return False
        return bool((await jetstream.consumer_info("EVT", "bus")).name == "bus")

    await eventually(back, "the consumer is there again", within_s=30)


async def test_agents_and_effects_come_through_after_nats_was_killed(
    bus_settings: Settings,
    platform_services: PlatformServices,
    databases: Databases,
    enrol: Enrol,
    bus: RunningBus,
) -> None:
    agent = await enrol()
    async with connect_agent(bus_settings, agent) as connection:
        kill(platform_services, "nats")
        await connection.closed.wait()
    async with databases.app.transaction(agent.organization_id) as session:
        await outbox.event(session, agent.organization_id, "thing:1", "test.happened.v1", {})

    async def let_in_again() -> bool:
        try:
            async with connect_agent(bus_settings, agent):
                return True
        except Exception:  # noqa: BLE001 - whatever nats-py makes of a server that is not there yet
            return False

    await eventually(let_in_again, "the agent is let in again", within_s=60)

    async def went_out() -> bool:
        return bus.links.control.connected and await domain_events(bus, agent.organization_id) > 0

    await eventually(went_out, "the event has left", within_s=30)


async def test_the_bus_goes_on_after_postgresql_was_killed(
    bus_settings: Settings,
    platform_services: PlatformServices,
    databases: Databases,
    enrol: Enrol,
    bus: RunningBus,
) -> None:
    agent = await enrol()
    killed = kill(platform_services, "postgres")

    async def answers() -> bool:
        try:
            if process_of(platform_services, "postgres") == killed:
                return False  # a connection's own process may outlive it by a moment, and answer
            async with databases.system.transaction() as session:
                await session.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError, ValueError):
            return False
        return True

    await eventually(answers, "PostgreSQL answers again", within_s=60)
    async with databases.app.transaction(agent.organization_id) as session:
        await outbox.event(session, agent.organization_id, "thing:2", "test.happened.v1", {})

    async def went_out() -> bool:
        return await domain_events(bus, agent.organization_id) > 0

    await eventually(went_out, "the event has left", within_s=30)

    async def connected() -> bool:
        async with databases.app.transaction(agent.organization_id) as session:
            query = select(func.count()).select_from(Agent).where(Agent.connected)
            return await session.scalar(query) == 1

    async with connect_agent(bus_settings, agent):
        await eventually(connected, "the agent is seen")
