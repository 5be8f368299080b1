"""Driving a lane of the relay step by step, with no other relay beside it. See `sbs_server.testing.bus`."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

import pytest
from sqlalchemy import delete, func, insert, select

from sbs_server.config import Settings
from sbs_server.kit.db.listen import Alarm
from sbs_server.kit.db.session import Database
from sbs_server.kit.ids import new_id
from sbs_server.messaging import streams
from sbs_server.messaging.connection import Link
from sbs_server.messaging.effects import BusEffects, Effect
from sbs_server.messaging.live_connections import LiveConnections
from sbs_server.messaging.registry import AgentRegistry
from sbs_server.messaging.relay import Lane
from sbs_server.messaging.revocation import Revocation
from sbs_server.models import Outbox, OutboxKind
from sbs_server.testing.bus import Databases, eventually


@pytest.fixture
async def control(bus_settings: Settings) -> AsyncIterator[Link]:
    """The control link alone: no relay runs beside the one under test."""
    link = Link(bus_settings.nats, "control", prepare=[streams.prepare])
    task = asyncio.create_task(link.run())
    await asyncio.wait_for(link.wait_connected(), 20)
    yield link
    task.cancel()
    await asyncio.wait([task])


@pytest.fixture
async def empty_outbox(databases: Databases) -> None:
    async with databases.system.transaction() as session:
        await session.execute(delete(Outbox))


def bus_effects(settings: Settings, control: Link, system: Database) -> Mapping[OutboxKind, Effect]:
    offline = Link(settings.nats, "sys")
    revocation = Revocation(offline, AgentRegistry(system), LiveConnections())
    return BusEffects(control, system, revocation).by_kind()


def lane(system: Database, effects: Mapping[OutboxKind, Effect]) -> Lane:
    return Lane(system, effects, Alarm(), poison_attempts=3, first_pause_s=0.01)


async def drain(one: Lane, system: Database) -> None:
    """Works until nothing is waiting any more."""

    async def nothing_waits() -> bool:
        await one.once()
        return await waiting(system) == 0

    await eventually(nothing_waits, "the outbox is empty", within_s=30)


async def waiting(system: Database) -> int:
    query = select(func.count()).select_from(Outbox)
    query = query.where(Outbox.published_at.is_(None), Outbox.parked_at.is_(None))
    async with system.transaction() as session:
        return await session.scalar(query) or 0


async def put_events(databases: Databases, organization_id: UUID, aggregates: int, each: int) -> None:
    """`each` numbered events for each aggregate, interleaved."""
    rows = [
        {
            "id": new_id(),
            "kind": OutboxKind.EVENT,
            "aggregate": f"thing:{aggregate}",
            "organization_id": organization_id,
            "payload": {"type": "test.happened.v1", "data": {"aggregate": aggregate, "number": number}},
        }
        for number in range(each)
        for aggregate in range(aggregates)
    ]
    async with databases.system.transaction() as session:
        await session.execute(insert(Outbox), rows)
