"""Runs whose workflow is gone, with Temporal's real server saying which are."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from temporalio import workflow
from temporalio.client import Client

from sbs_server.admission.dispatcher import Dispatcher
from sbs_server.kit.db.session import Database
from sbs_server.messaging import outbox
from sbs_server.models import (
    AdmissionTicket,
    Command,
    CommandState,
    Outbox,
    OutboxKind,
    ResticRepository,
    ResticRepositoryState,
    Run,
    RunState,
    TicketState,
)
from sbs_server.runs.lifecycle import workflow_id
from sbs_server.runs.lost import LostRuns
from sbs_server.testing.database import Tenant, make_tenant

# Runs of other tests are in the same database: only those of yesterday are looked at here.
YOUNG = timedelta(hours=12)


@workflow.defn(name="Idle")
class Idle:
    """Never begun: no worker serves its queue."""

    @workflow.run
    async def run(self) -> None: ...


@pytest.fixture
async def tenant(app_database: Database) -> Tenant:
    """Its run has a ticket and a command at work."""
    made = await make_tenant(app_database)
    async with app_database.transaction(made.organization_id) as session:
        await session.execute(
            update(Run).where(Run.id == made.run_id).values(created_at=datetime.now(UTC) - timedelta(days=1))
        )
        own = {"organization_id": made.organization_id, "run_id": made.run_id}
        name = workflow_id(made.run_id)
        session.add(
            AdmissionTicket(
                **own,
                purpose="backup",
                workflow_id=name,
                state=TicketState.GRANTED,
                enqueued_at=func.now(),
            )
        )
        session.add(
            Command(
                **own,
                id=f"{made.run_id.hex}.backup.{made.restic_repository_id.hex}",
                agent_id=made.agent_id,
                restic_repository_id=made.restic_repository_id,
                attempt=1,
                body={"kind": "backup.run"},
                state=CommandState.RUNNING,
                workflow_id=name,
                activity_id="x",
                ordered_at=func.now(),
            )
        )
    return made


@pytest.fixture
def lost(app_database: Database, system_database: Database, temporal: Client) -> LostRuns:
    dispatcher = Dispatcher(system_database)
    return LostRuns(system_database, app_database, temporal, dispatcher, young=YOUNG)


async def _run(database: Database, tenant: Tenant) -> Run:
    async with database.transaction(tenant.organization_id) as session:
        return await session.get_one(Run, tenant.run_id)


async def _ticket(database: Database, tenant: Tenant) -> AdmissionTicket:
    async with database.transaction(tenant.organization_id) as session:
        return (await session.scalars(select(AdmissionTicket))).one()


async def _start(temporal: Client, tenant: Tenant) -> None:
    await temporal.start_workflow(Idle.run, id=workflow_id(tenant.run_id), task_queue=uuid.uuid4().hex)


async def test_a_run_without_a_workflow_ends_with_all_that_it_holds(
    lost: LostRuns, tenant: Tenant, app_database: Database
) -> None:
    assert await lost.sweep() >= 1  # other tests' runs have none either, and may have become old by now
    run, ticket = await _run(app_database, tenant), await _ticket(app_database, tenant)
    assert (run.state, run.error_code) == (RunState.FAILED, "workflow_lost")
    assert ticket.state == TicketState.RELEASED
    assert (ticket.release_reason or "").startswith("reaped")
    async with app_database.transaction(tenant.organization_id) as session:
        repository = await session.get_one(ResticRepository, tenant.restic_repository_id)
        command = (await session.scalars(select(Command))).one()
    # restic may still be at work there: the ticket alone would let others in.
    assert repository.state == ResticRepositoryState.QUARANTINED
    assert command.state == CommandState.ABANDONED
    assert await lost.sweep() == 0


async def test_a_run_whose_workflow_goes_on_is_left_alone_until_it_is_terminated(
    lost: LostRuns, tenant: Tenant, app_database: Database, temporal: Client
) -> None:
    await _start(temporal, tenant)
    assert await lost.sweep() == 0
    assert (await _ticket(app_database, tenant)).state == TicketState.GRANTED
    await temporal.get_workflow_handle(workflow_id(tenant.run_id)).terminate()
    assert await lost.sweep() == 1
    assert "terminated" in ((await _run(app_database, tenant)).error_message or "")


async def test_a_start_that_still_waits_in_the_outbox_is_no_loss(
    lost: LostRuns, tenant: Tenant, app_database: Database, system_database: Database
) -> None:
    aggregate = f"run:{tenant.run_id.hex}"
    async with app_database.transaction(tenant.organization_id) as session:
        await outbox.put(session, OutboxKind.WORKFLOW_START, aggregate, {}, tenant.organization_id)
    assert await lost.sweep() == 0
    async with system_database.transaction() as session:
        await session.execute(
            update(Outbox).where(Outbox.aggregate == aggregate).values(parked_at=func.now())
        )
    assert await lost.sweep() == 1


async def test_a_lost_run_that_somebody_had_cancelled_is_cancelled(
    lost: LostRuns, tenant: Tenant, app_database: Database
) -> None:
    async with app_database.transaction(tenant.organization_id) as session:
        (await session.get_one(Run, tenant.run_id)).cancel_requested_at = datetime.now(UTC)
    await lost.sweep()
    assert (await _run(app_database, tenant)).state == RunState.CANCELLED
