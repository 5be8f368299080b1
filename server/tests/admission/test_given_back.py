"""A ticket that is given back while a run waits for room, with the real table and the real dispatcher."""

import asyncio
from uuid import UUID

import pytest
from temporalio.testing import ActivityEnvironment

from sbs_server.admission.activities import AdmissionActivities
from sbs_server.admission.dispatcher import Dispatcher
from sbs_server.admission.steps import Admission, SharedTicket
from sbs_server.admission.types import TicketRef, TicketRequest
from sbs_server.agents import orders
from sbs_server.agents.order_types import CommandOutcome, Order
from sbs_server.kit.db.session import Database
from sbs_server.kit.ids import new_id
from sbs_server.models import Run, RunKind, RunTrigger
from sbs_server.testing.database import Tenant, make_tenant


class _Steps(Admission):
    """What a workflow sees, with the activities called directly."""

    def __init__(self, activities: AdmissionActivities) -> None:
        super().__init__()
        self._activities = activities
        self._environment = ActivityEnvironment()

    async def acquire(self, request: TicketRequest, stop: asyncio.Event) -> bool:
        return await self._environment.run(self._activities.request, request)

    async def release(self, ref: TicketRef) -> None:
        await self._environment.run(self._activities.release, ref)


@pytest.fixture
async def tenant(app_database: Database) -> Tenant:
    return await make_tenant(app_database)


@pytest.fixture
def steps(app_database: Database, system_database: Database) -> _Steps:
    return _Steps(AdmissionActivities(app_database, Dispatcher(system_database)))


async def _run(database: Database, tenant: Tenant) -> UUID:
    run_id = new_id()
    async with database.transaction(tenant.organization_id) as session:
        session.add(
            Run(
                id=run_id,
                organization_id=tenant.organization_id,
                kind=RunKind.BACKUP,
                trigger=RunTrigger.MANUAL,
                agent_id=tenant.agent_id,
            )
        )
    return run_id


def _request(tenant: Tenant, run_id: UUID, purpose: str, *, exclusive: bool) -> TicketRequest:
    places = [tenant.restic_repository_id.hex]
    return TicketRequest(tenant.organization_id.hex, run_id.hex, purpose, places, exclusive)


def _order(tenant: Tenant) -> Order:
    return Order(
        organization_id=tenant.organization_id.hex,
        run_id=tenant.run_id.hex,
        agent_id=tenant.agent_id.hex,
        restic_repository_id=tenant.restic_repository_id.hex,
        command_id="command",
        body={},
        attempt=1,
    )


async def test_others_get_in_while_it_waits_and_it_gets_in_again_after_them(
    app_database: Database, tenant: Tenant, steps: _Steps
) -> None:
    full, other = tenant.run_id, await _run(app_database, tenant)
    stop = asyncio.Event()
    ticket = SharedTicket(steps, _request(tenant, full, "backup", exclusive=False), stop, pieces=1)
    forget = _request(tenant, other, "forget", exclusive=True)
    assert await ticket.acquire()
    assert not await steps.acquire(forget, stop)
    await ticket.pause()
    assert await steps.acquire(forget, stop), "room is made meanwhile"
    assert not await ticket.resume()
    await steps.release(TicketRef(forget.organization_id, forget.run_id, "forget"))
    assert await steps.acquire(_request(tenant, full, "backup.2", exclusive=False), stop)
    await ticket.release()
    third = SharedTicket(steps, _request(tenant, other, "backup", exclusive=True), stop, pieces=1)
    assert await third.acquire(), "nothing is left behind"
    await third.release()


async def test_it_is_kept_while_one_of_two_pieces_is_at_work(
    app_database: Database, tenant: Tenant, steps: _Steps
) -> None:
    stop = asyncio.Event()
    ticket = SharedTicket(steps, _request(tenant, tenant.run_id, "backup", exclusive=False), stop, pieces=2)
    assert await ticket.acquire()
    forget = _request(tenant, await _run(app_database, tenant), "forget", exclusive=True)
    assert not await steps.acquire(forget, stop)
    await ticket.pause()
    assert not await steps.acquire(forget, stop)
    await ticket.leave()
    assert await steps.acquire(forget, stop)
    await steps.release(TicketRef(forget.organization_id, forget.run_id, "forget"))
    assert await ticket.resume()
    await ticket.release()


async def test_work_that_fails_has_left_it_too(
    app_database: Database, tenant: Tenant, steps: _Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the other piece, which only waits for room, would keep it from those who could make room."""

    async def fail(*_: object) -> CommandOutcome:
        raise ConnectionError("a step of it failed for good")

    monkeypatch.setattr(orders, "_carry_out", fail)
    stop = asyncio.Event()
    ticket = SharedTicket(steps, _request(tenant, tenant.run_id, "backup", exclusive=False), stop, pieces=2)
    assert await ticket.acquire()
    await ticket.pause()
    forget = _request(tenant, await _run(app_database, tenant), "forget", exclusive=True)
    assert not await steps.acquire(forget, stop)
    with pytest.raises(ConnectionError):
        await orders.carry_out(_order(tenant), stop, ticket)
    assert await steps.acquire(forget, stop)
    await steps.release(TicketRef(forget.organization_id, forget.run_id, "forget"))
    await ticket.release()


async def test_a_late_repetition_of_the_first_request_brings_nothing_back(
    tenant: Tenant, steps: _Steps
) -> None:
    stop, first = asyncio.Event(), _request(tenant, tenant.run_id, "backup", exclusive=False)
    ticket = SharedTicket(steps, first, stop, pieces=1)
    assert await ticket.acquire()
    await ticket.pause()
    assert not await steps.acquire(first, stop)
