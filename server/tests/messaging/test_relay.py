"""The outbox's relay: order, crashes, poison, and every kind of effect on the real servers."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, DeliverPolicy
from sqlalchemy import func, select, update

from sbs_server.config import HistorySettings, Settings
from sbs_server.kit.ids import new_id
from sbs_server.messaging import outbox
from sbs_server.messaging.connection import Link
from sbs_server.messaging.sweeper import Sweeper
from sbs_server.models import Agent, AgentState, Outbox, OutboxKind
from sbs_server.testing.bus import Databases, Enrol, RunningBus, connect_agent, eventually
from sbs_server.testing.relay import bus_effects, drain, lane, put_events, waiting

pytestmark = pytest.mark.usefixtures("empty_outbox")


async def received(jetstream: JetStreamContext, organization_id: UUID) -> list[dict[str, Any]]:
    """All domain events of an organization, as they are in the stream."""
    subscription = await jetstream.pull_subscribe(
        f"event.{organization_id.hex}.>",
        stream="EVENTS",
        config=ConsumerConfig(deliver_policy=DeliverPolicy.ALL),
    )
    found: list[dict[str, Any]] = []
    while (await subscription.consumer_info()).num_pending:
        with contextlib.suppress(NatsTimeoutError):
            for message in await subscription.fetch(500, timeout=1):
                found.append(json.loads(message.data))
                await message.ack()
    await subscription.unsubscribe()
    return found


def assert_whole_and_in_order(events: list[dict[str, Any]], aggregates: int, each: int) -> None:
    numbers: dict[int, list[int]] = {}
    for event in events:
        numbers.setdefault(event["data"]["aggregate"], []).append(event["data"]["number"])
    assert numbers == {aggregate: list(range(each)) for aggregate in range(aggregates)}


async def test_events_leave_once_and_in_the_order_of_their_aggregate(
    bus_settings: Settings, databases: Databases, control: Link
) -> None:
    organization = new_id()
    await put_events(databases, organization, aggregates=7, each=30)
    effects = bus_effects(bus_settings, control, databases.system)
    relays = [lane(databases.system, effects) for _ in range(3)]
    await asyncio.gather(*(drain(relay, databases.system) for relay in relays))
    events = await received(control.client.jetstream(), organization)
    assert_whole_and_in_order(events, 7, 30)
    first = events[0]
    assert (first["specversion"], first["type"], first["organizationid"]) == (
        "1.0",
        "test.happened.v1",
        organization.hex,
    )
    assert datetime.fromisoformat(first["time"]).tzinfo is not None


async def test_a_relay_killed_in_the_middle_loses_and_doubles_nothing(
    bus_settings: Settings, databases: Databases, control: Link, tmp_path: Path
) -> None:
    organization, aggregates, each = new_id(), 40, 50
    await put_events(databases, organization, aggregates, each)
    total = aggregates * each
    kills = 0
    while (left := await waiting(databases.system)) > 0:
        with role_process(bus_settings, tmp_path) as process:
            # A good bite further than last time, then the hard way out; the last one may finish.
            goal = max(0, left - total // 4)

            async def bitten(goal: int = goal) -> bool:
                assert process.poll() is None, (tmp_path / "bus.log").read_text()
                return await waiting(databases.system) <= goal

            await eventually(bitten, f"no more than {goal} rows are left", within_s=60)
            process.kill()
            kills += 1
    assert kills >= 3
    assert_whole_and_in_order(await received(control.client.jetstream(), organization), aggregates, each)


@contextlib.contextmanager
def role_process(settings: Settings, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`sbs bus` as a process of its own, on this test's database."""
    env = {
        **os.environ,
        "SBS_DATA_DIR": str(settings.data_dir),
        "SBS_DATABASE__NAME": settings.database.name,
        "SBS_HTTP__BUS_HEALTH_PORT": "0",
    }
    with (tmp_path / "bus.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sbs_server.roles.cli", "bus"], env=env, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait(10)


async def test_poison_is_parked_and_the_others_go_on(
    bus_settings: Settings, databases: Databases, control: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    organization = new_id()
    bad = {"data": {"no": "type"}}
    async with databases.system.transaction() as session:
        await outbox.put(session, OutboxKind.EVENT, "thing:0", bad, organization)
        spaces = {"type": "a b", "data": {}}
        await outbox.put(session, OutboxKind.EVENT, "thing:x", spaces, organization)
        await outbox.put(session, OutboxKind.AGENT_KICK, "agent:1", {"agent_id": "not hex"}, organization)
    await put_events(databases, organization, aggregates=2, each=5)
    await drain(
        lane(databases.system, bus_effects(bus_settings, control, databases.system)), databases.system
    )
    assert_whole_and_in_order(await received(control.client.jetstream(), organization), 2, 5)
    async with databases.system.transaction() as session:
        parked = (await session.scalars(select(Outbox).where(Outbox.parked_at.is_not(None)))).all()
    assert [row.attempts for row in parked] == [3, 3, 3]
    assert {row.last_error for row in parked} == {
        "the payload has no type",
        "the subject made of this row is not a legal one",
        "agent_id is not 32 hex digits",
    }

    listed = await cli(bus_settings, "list")
    assert listed.returncode == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [str(row.id) for row in parked]
    assert (await cli(bus_settings, "retry")).returncode == 2
    assert (await cli(bus_settings, "retry", "nonsense")).returncode == 2
    assert (await cli(bus_settings, "retry", str(uuid4()))).returncode == 1
    again = await cli(bus_settings, "retry", str(parked[0].id))
    assert (again.returncode, again.stdout) == (0, "1 row is tried again\n")
    assert await waiting(databases.system) == 1
    assert (await cli(bus_settings, "retry", "--all")).stdout == "2 rows are tried again\n"


async def cli(settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "SBS_DATA_DIR": str(settings.data_dir), "SBS_DATABASE__NAME": settings.database.name}
    argv = [sys.executable, "-m", "sbs_server.roles.cli", "outbox", *arguments]
    return await asyncio.to_thread(subprocess.run, argv, env=env, text=True, capture_output=True, timeout=60)


async def test_a_bus_that_is_down_parks_nothing(bus_settings: Settings, databases: Databases) -> None:
    nowhere = Link(bus_settings.nats, "control")
    await put_events(databases, new_id(), aggregates=1, each=1)
    relay = lane(databases.system, bus_effects(bus_settings, nowhere, databases.system))

    async def tried_often() -> bool:
        await relay.once()
        async with databases.system.transaction() as session:
            await session.execute(update(Outbox).values(next_attempt_at=func.now()))
            return (await session.scalar(select(Outbox.attempts)) or 0) > 5

    await eventually(tried_often, "more attempts than poison gets")
    async with databases.system.transaction() as session:
        row = (await session.scalars(select(Outbox))).one()
    assert row.parked_at is None
    assert row.last_error == "NATS: NotConnectedError"


async def test_revoking_an_agent_cuts_it_within_seconds(
    bus_settings: Settings, databases: Databases, enrol: Enrol, bus: RunningBus
) -> None:
    agent, bystander = await enrol(), await enrol()
    async with (
        connect_agent(bus_settings, agent) as connection,
        connect_agent(bus_settings, bystander) as other,
    ):
        async with databases.app.transaction(agent.organization_id) as session:
            await session.execute(update(Agent).where(Agent.id == agent.id).values(state=AgentState.REVOKED))
            payload = {"agent_id": agent.id.hex}
            await outbox.put(
                session, OutboxKind.AGENT_KICK, f"agent:{agent.id.hex}", payload, agent.organization_id
            )
        await asyncio.wait_for(connection.closed.wait(), 5)
        await other.client.flush(5)


async def test_what_is_old_is_swept(databases: Databases, bus: RunningBus) -> None:
    await put_events(databases, new_id(), aggregates=1, each=3)
    await eventually(lambda: _published(databases, 3), "the rows are published")
    async with databases.system.transaction() as session:
        newest = await session.scalar(select(Outbox.id).order_by(Outbox.id.desc()).limit(1))
        old = datetime.now(UTC) - timedelta(days=8)
        await session.execute(update(Outbox).where(Outbox.id != newest).values(published_at=old))
    assert (await Sweeper(databases.system, HistorySettings()).sweep())["outbox"] == 2
    async with databases.system.transaction() as session:
        assert (await session.scalars(select(Outbox.id))).all() == [newest]


async def _published(databases: Databases, count: int) -> bool:
    async with databases.system.transaction() as session:
        query = select(func.count()).select_from(Outbox).where(Outbox.published_at.is_not(None))
        return await session.scalar(query) == count
