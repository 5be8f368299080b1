"""Ordering work: the activity alone, and together with a real workflow server that others complete."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from sbs_protocol.events import BackupResult, CommandFinished, CommandResult
from sbs_protocol.identifiers import command_id
from sbs_server.agents.activities import OrderActivities
from sbs_server.agents.order_types import Abandonment, CommandOutcome, Order, Retry, Trouble
from sbs_server.backups.types import BackupPlan
from sbs_server.backups.workflows import BackupWorkflow
from sbs_server.kit.db.session import Database
from sbs_server.kit.workflows import RunRef
from sbs_server.messaging.followups import ActivityBridge
from sbs_server.models import (
    Agent,
    AgentState,
    Command,
    CommandState,
    Outbox,
    ResticRepository,
    ResticRepositoryState,
    Run,
)
from sbs_server.runs.types import RunEnd
from sbs_server.testing.database import Tenant, make_tenant
from sbs_server.testing.workflows import Platform

DAY = timedelta(days=1)


@pytest.fixture
async def tenant(app_database: Database) -> Tenant:
    return await make_tenant(app_database)


@pytest.fixture
def orders(app_database: Database, temporal: Client) -> OrderActivities:
    return OrderActivities(
        app_database,
        ActivityBridge(temporal),
        silence_deadline=DAY,
        accept_deadline=DAY,
        ears_after=timedelta(),
    )


def _order(tenant: Tenant, attempt: int = 1) -> Order:
    return Order(
        tenant.organization_id.hex,
        tenant.run_id.hex,
        tenant.agent_id.hex,
        tenant.restic_repository_id.hex,
        command_id(tenant.run_id, "backup", tenant.restic_repository_id),
        {"kind": "backup.run"},
        attempt,
    )


async def _ordered_alone(orders: OrderActivities, order: Order) -> CommandOutcome | None:
    """Runs the activity by itself; None: it left to be completed by somebody else."""
    environment = ActivityEnvironment()
    try:
        return await environment.run(orders.order, order)
    except activity._CompleteAsyncError:
        return None


def _finished(order: Order) -> dict[str, object]:
    said = CommandFinished(
        command_id=order.command_id,
        attempt=order.attempt,
        result=CommandResult.SUCCEEDED,
        backup=BackupResult(snapshot_id="e" * 64),
        finished_at=datetime.now(UTC),
    )
    return said.model_dump(mode="json")


async def _row(database: Database, tenant: Tenant) -> Command:
    async with database.transaction(tenant.organization_id) as session:
        return (await session.scalars(select(Command).where(Command.run_id == tenant.run_id))).one()


async def _orders_in_outbox(system: Database, order: Order) -> list[int]:
    async with system.transaction() as session:
        query = (
            select(Outbox.payload)
            .where(Outbox.aggregate == f"command:{order.command_id}")
            .order_by(Outbox.id)
        )
        return [payload["attempt"] for payload in await session.scalars(query)]


async def _set(database: Database, tenant: Tenant, **values: object) -> None:
    async with database.transaction(tenant.organization_id) as session:
        await session.execute(update(Command).where(Command.run_id == tenant.run_id).values(**values))


async def test_an_order_is_written_once_however_often_the_activity_is_repeated(
    orders: OrderActivities, tenant: Tenant, app_database: Database, system_database: Database
) -> None:
    for _ in range(3):
        assert await _ordered_alone(orders, _order(tenant)) is None
    assert await _orders_in_outbox(system_database, _order(tenant)) == [1]
    assert (await _row(app_database, tenant)).state == CommandState.OPEN


async def test_the_next_attempt_opens_the_same_row_again(
    orders: OrderActivities, tenant: Tenant, app_database: Database, system_database: Database
) -> None:
    await _ordered_alone(orders, _order(tenant))
    await _set(app_database, tenant, state=CommandState.FINISHED, outcome=_finished(_order(tenant)))
    assert await _ordered_alone(orders, _order(tenant, attempt=2)) is None
    row = await _row(app_database, tenant)
    assert (row.attempt, row.state, row.outcome) == (2, CommandState.OPEN, None)
    assert await _orders_in_outbox(system_database, _order(tenant)) == [1, 2]


async def test_a_result_that_came_in_meanwhile_is_found_in_the_row(
    orders: OrderActivities, tenant: Tenant, app_database: Database
) -> None:
    await _ordered_alone(orders, _order(tenant))
    await _set(app_database, tenant, state=CommandState.FINISHED, outcome=_finished(_order(tenant)))
    outcome = await _ordered_alone(orders, _order(tenant))
    assert outcome is not None
    assert outcome.has_snapshot


@pytest.mark.parametrize(
    ("state", "code"), [(CommandState.RUNNING, "agent_silent"), (CommandState.OPEN, "agent_offline")]
)
async def test_silence_ends_the_attempt_with_its_reason(
    orders: OrderActivities, tenant: Tenant, app_database: Database, state: CommandState, code: str
) -> None:
    await _ordered_alone(orders, _order(tenant))
    long_ago = func.now() - 2 * DAY
    await _set(app_database, tenant, state=state, last_heard_at=long_ago, ordered_at=long_ago)
    with pytest.raises(ApplicationError) as raised:
        await _ordered_alone(orders, _order(tenant))
    assert (raised.value.type, raised.value.non_retryable) == (code, True)


async def test_a_revoked_agent_gets_no_order(
    orders: OrderActivities, tenant: Tenant, app_database: Database, system_database: Database
) -> None:
    async with app_database.transaction(tenant.organization_id) as session:
        (await session.get_one(Agent, tenant.agent_id)).state = AgentState.REVOKED
    with pytest.raises(ApplicationError) as raised:
        await _ordered_alone(orders, _order(tenant))
    assert raised.value.type == "agent_revoked"
    assert await _orders_in_outbox(system_database, _order(tenant)) == []


async def _start(temporal: Client, tenant: Tenant, queue: str) -> WorkflowHandle[object, RunEnd]:
    ref = RunRef(tenant.organization_id.hex, tenant.run_id.hex)
    return await temporal.start_workflow(
        "BackupWorkflow", ref, id=f"run-{tenant.run_id.hex}", task_queue=queue, result_type=RunEnd
    )


def _worker(temporal: Client, orders: OrderActivities, platform: Platform, queue: str) -> Worker:
    fakes = [a for a in platform.activities() if not _name(a).startswith("agents.")]
    real: list[Callable[..., object]] = [orders.order, orders.cancel, orders.note_retry, orders.abandon]
    return Worker(temporal, task_queue=queue, workflows=[BackupWorkflow], activities=[*fakes, *real])


def _name(method: object) -> str:
    definition = getattr(method, "__temporal_activity_definition")
    return str(definition.name)


async def _ordered(database: Database, tenant: Tenant) -> Command:
    """Waits until the command's row is there."""
    while True:
        async with database.transaction(tenant.organization_id) as session:
            row = (
                await session.scalars(select(Command).where(Command.run_id == tenant.run_id))
            ).one_or_none()
        if row is not None:
            return row


async def test_completed_from_outside_the_workflow_goes_on(
    temporal: Client, orders: OrderActivities, tenant: Tenant, app_database: Database
) -> None:
    platform, queue = Platform(plan=BackupPlan([_order(tenant)])), uuid.uuid4().hex
    async with _worker(temporal, orders, platform, queue):
        handle = await _start(temporal, tenant, queue)
        row = await _ordered(app_database, tenant)
        waiting = temporal.get_async_activity_handle(
            workflow_id=row.workflow_id, run_id=None, activity_id=row.activity_id
        )
        await waiting.complete(_finished(_order(tenant)))
        assert (await handle.result()).state == "succeeded"


async def test_cancelled_before_any_agent_took_it_the_command_ends_at_once(
    temporal: Client, orders: OrderActivities, tenant: Tenant, app_database: Database
) -> None:
    platform = Platform(plan=BackupPlan([_order(tenant)]), end=RunEnd("cancelled"))
    queue = uuid.uuid4().hex
    async with _worker(temporal, orders, platform, queue):
        handle = await _start(temporal, tenant, queue)
        await _ordered(app_database, tenant)
        await handle.signal("cancel")
        assert (await handle.result()).state == "cancelled"
    row = await _row(app_database, tenant)
    assert (row.state, row.outcome) == (CommandState.FINISHED, {"result": "cancelled"})


@pytest.mark.parametrize(
    ("code", "waits_for"), [("agent_restarted", "retry"), ("repository_full", "repository_full")]
)
async def test_a_retry_is_shown_on_the_run(
    orders: OrderActivities, tenant: Tenant, app_database: Database, code: str, waits_for: str
) -> None:
    await ActivityEnvironment().run(
        orders.note_retry, Retry(tenant.organization_id.hex, tenant.run_id.hex, 2, 30.0, code)
    )
    async with app_database.transaction(tenant.organization_id) as session:
        run = await session.get_one(Run, UUID(hex=tenant.run_id.hex))
    assert run.waiting_for == waits_for
    assert run.retry_at is not None
    assert run.attempt == 2


async def _agent(database: Database, tenant: Tenant, **values: object) -> None:
    async with database.transaction(tenant.organization_id) as session:
        await session.execute(update(Agent).where(Agent.id == tenant.agent_id).values(**values))


async def test_our_own_deafness_is_not_the_agents_silence(
    orders: OrderActivities, tenant: Tenant, app_database: Database, temporal: Client
) -> None:
    """As after a long outage of the control plane: nobody was there to hear, or to see the agent go."""
    await _ordered_alone(orders, _order(tenant))
    long_ago = datetime.now(UTC) - 2 * DAY
    await _set(app_database, tenant, state=CommandState.RUNNING, last_heard_at=long_ago)
    await _agent(app_database, tenant, connected=True, last_seen_at=long_ago)
    assert await _ordered_alone(orders, _order(tenant)) is None
    # Just started, we do not know yet either, whatever the row says.
    fresh = OrderActivities(app_database, ActivityBridge(temporal), silence_deadline=DAY, accept_deadline=DAY)
    await _agent(app_database, tenant, connected=False)
    assert await _ordered_alone(fresh, _order(tenant)) is None
    # The bus saw it go, or hears it without this command: now it is silence.
    for heard in ({"connected": False}, {"connected": True, "last_seen_at": datetime.now(UTC)}):
        await _agent(app_database, tenant, **heard)
        with pytest.raises(ApplicationError, match="nothing was heard"):
            await _ordered_alone(orders, _order(tenant))


async def test_an_agent_that_is_too_old_gets_no_order(
    orders: OrderActivities, tenant: Tenant, app_database: Database, system_database: Database
) -> None:
    await _agent(app_database, tenant, protocol_version=0)
    with pytest.raises(ApplicationError) as raised:
        await _ordered_alone(orders, _order(tenant))
    assert raised.value.type == "agent_outdated"
    assert await _orders_in_outbox(system_database, _order(tenant)) == []


async def test_a_cancellation_that_overtakes_the_order_is_not_lost(
    orders: OrderActivities, tenant: Tenant, app_database: Database
) -> None:
    with pytest.raises(ApplicationError) as raised:
        await ActivityEnvironment().run(orders.cancel, _order(tenant))
    assert not raised.value.non_retryable
    await _ordered_alone(orders, _order(tenant))
    await _set(app_database, tenant, state=CommandState.FINISHED, outcome=_finished(_order(tenant)))
    with pytest.raises(ApplicationError):
        await ActivityEnvironment().run(orders.cancel, _order(tenant, attempt=2))
    await _ordered_alone(orders, _order(tenant, attempt=2))
    await ActivityEnvironment().run(orders.cancel, _order(tenant, attempt=2))
    assert (await _row(app_database, tenant)).outcome == {"result": "cancelled"}


def _giving_up(tenant: Tenant) -> Abandonment:
    trouble = Trouble("agent_silent", "nothing was heard")
    return Abandonment(tenant.organization_id.hex, _order(tenant).command_id, trouble)


async def _repository(database: Database, tenant: Tenant) -> ResticRepository:
    async with database.transaction(tenant.organization_id) as session:
        return await session.get_one(ResticRepository, tenant.restic_repository_id)


async def test_giving_up_on_what_the_agent_took_quarantines_its_repository(
    orders: OrderActivities, tenant: Tenant, app_database: Database, system_database: Database
) -> None:
    await _ordered_alone(orders, _order(tenant))
    await _set(app_database, tenant, state=CommandState.RUNNING)
    for _ in range(2):
        await ActivityEnvironment().run(orders.abandon, _giving_up(tenant))
    assert (await _row(app_database, tenant)).state == CommandState.ABANDONED
    repository = await _repository(app_database, tenant)
    assert repository.state == ResticRepositoryState.QUARANTINED
    assert "silent" in (repository.state_reason or "")
    # The order itself, and one cancellation for when the agent is back.
    assert await _orders_in_outbox(system_database, _order(tenant)) == [1, 1]


@pytest.mark.parametrize("revoked", [False, True])
async def test_giving_up_on_what_can_not_be_running_quarantines_nothing(
    orders: OrderActivities, tenant: Tenant, app_database: Database, *, revoked: bool
) -> None:
    await _ordered_alone(orders, _order(tenant))
    if revoked:  # the gateway refuses it from that moment on
        await _set(app_database, tenant, state=CommandState.RUNNING)
        await _agent(app_database, tenant, state=AgentState.REVOKED)
    await ActivityEnvironment().run(orders.abandon, _giving_up(tenant))
    row = await _row(app_database, tenant)
    assert row.state == CommandState.FINISHED
    assert row.outcome is not None
    assert row.outcome["problem"]["code"] == "agent_silent"
    assert (await _repository(app_database, tenant)).state == ResticRepositoryState.READY


async def test_a_quarantined_repository_gets_no_order(
    orders: OrderActivities, tenant: Tenant, app_database: Database, system_database: Database
) -> None:
    async with app_database.transaction(tenant.organization_id) as session:
        repository = await session.get_one(ResticRepository, tenant.restic_repository_id)
        repository.state = ResticRepositoryState.QUARANTINED
    with pytest.raises(ApplicationError) as raised:
        await _ordered_alone(orders, _order(tenant))
    assert (raised.value.type, raised.value.non_retryable) == ("repository_quarantined", True)
    assert await _orders_in_outbox(system_database, _order(tenant)) == []
