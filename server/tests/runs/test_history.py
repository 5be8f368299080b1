"""Old rows of runs are taken out, and nothing that is still needed goes with them."""

from datetime import timedelta
from uuid import UUID

import pytest
import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_protocol.commands import ConflictPolicy
from sbs_protocol.identifiers import command_id
from sbs_server.audit.service import Actor, record
from sbs_server.config import HistorySettings
from sbs_server.kit.db.session import Database
from sbs_server.kit.ids import new_id
from sbs_server.models import (
    AdmissionTicket,
    AuditEntry,
    ClaimMode,
    Command,
    CommandState,
    Dataset,
    Restore,
    Run,
    RunKind,
    RunState,
    RunTarget,
    RunTrigger,
    RunWarning,
    Snapshot,
    SnapshotCopy,
    TicketState,
)
from sbs_server.models.admission import AdmissionClaim
from sbs_server.runs import history
from sbs_server.runs.history import RunHistory
from sbs_server.testing.database import Tenant, make_tenant

OLD, YOUNG = timedelta(days=500), timedelta(days=10)


@pytest.fixture
async def tenant(app_database: Database) -> Tenant:
    return await make_tenant(app_database)


@pytest.fixture
def sweeper(system_database: Database, app_database: Database) -> RunHistory:
    return RunHistory(system_database, app_database, HistorySettings())


async def add_run(
    database: Database, tenant: Tenant, age: timedelta, state: RunState = RunState.FAILED, **values: object
) -> UUID:
    """A run of that age with one of everything that belongs to a run."""
    run_id, warning_id = new_id(), _id_of_age(age)
    own = {"organization_id": tenant.organization_id, "run_id": run_id}
    place = {"restic_repository_id": tenant.restic_repository_id}
    then = func.now() - age
    ended = then if state.is_final else None
    async with database.transaction(tenant.organization_id) as session:
        session.add(
            Run(
                id=run_id,
                organization_id=tenant.organization_id,
                **{
                    "kind": RunKind.BACKUP,
                    "trigger": RunTrigger.SCHEDULE,
                    "state": state,
                    "agent_id": tenant.agent_id,
                    "dataset_id": tenant.dataset_id,
                    "created_at": then,
                    "finished_at": ended,
                    **values,
                },
            )
        )
        await session.flush()
        session.add(_command(tenant, run_id, then, ended))
        session.add(RunTarget(**own, **place))
        session.add(
            RunWarning(
                id=warning_id,
                **own,
                command_id=command_id(run_id, "backup", tenant.restic_repository_id),
                attempt=1,
                position=0,
                path="/srv/unreadable",
                code="unreadable",
                message="permission denied",
            )
        )
        await _add_ticket(session, tenant, run_id, state)
    return run_id


async def _add_ticket(session: AsyncSession, tenant: Tenant, run_id: UUID, state: RunState) -> None:
    own = {"organization_id": tenant.organization_id}
    ticket = AdmissionTicket(
        **own,
        run_id=run_id,
        purpose="backup",
        workflow_id="w",
        enqueued_at=func.now(),
        state=TicketState.RELEASED if state.is_final else TicketState.GRANTED,
    )
    session.add(ticket)
    await session.flush()
    place = {"ticket_id": ticket.id, "restic_repository_id": tenant.restic_repository_id}
    session.add(AdmissionClaim(**own, **place, mode=ClaimMode.SHARED))


def _id_of_age(age: timedelta) -> UUID:
    """As ids were made then: the first 48 bits are the time in milliseconds."""
    fresh = new_id().int
    return UUID(int=fresh - (int(age.total_seconds() * 1000) << 80))


def _command(tenant: Tenant, run_id: UUID, then: object, ended: object) -> Command:
    return Command(
        id=command_id(run_id, "backup", tenant.restic_repository_id),
        organization_id=tenant.organization_id,
        agent_id=tenant.agent_id,
        run_id=run_id,
        restic_repository_id=tenant.restic_repository_id,
        attempt=1,
        body={},
        state=CommandState.FINISHED if ended is not None else CommandState.RUNNING,
        workflow_id="w",
        activity_id="a",
        ordered_at=then,
        finished_at=ended,
    )


async def left(database: Database, tenant: Tenant, run_id: UUID) -> dict[str, int]:
    """How many rows of a run there are, by table."""
    tables = {
        "run": Run.id,
        "command": Command.run_id,
        "run_warning": RunWarning.run_id,
        "run_target": RunTarget.run_id,
        "admission_ticket": AdmissionTicket.run_id,
    }
    async with database.transaction(tenant.organization_id) as session:
        return {
            name: await session.scalar(select(func.count()).where(column == run_id)) or 0
            for name, column in tables.items()
        }


ALL = {"run": 1, "command": 1, "run_warning": 1, "run_target": 1, "admission_ticket": 1}
NOTHING = dict.fromkeys(ALL, 0)


async def test_old_run_goes_with_all_its_rows_and_a_young_one_stays(
    sweeper: RunHistory, app_database: Database, tenant: Tenant
) -> None:
    old, young = await add_run(app_database, tenant, OLD), await add_run(app_database, tenant, YOUNG)
    taken = await sweeper.sweep()
    assert taken["run"] >= 1
    assert await left(app_database, tenant, old) == NOTHING
    assert await left(app_database, tenant, young) == ALL


async def test_commands_and_warnings_go_before_their_run(
    sweeper: RunHistory, app_database: Database, tenant: Tenant
) -> None:
    run = await add_run(app_database, tenant, timedelta(days=40))
    await sweeper.sweep()
    assert await left(app_database, tenant, run) == {**ALL, "command": 0}
    older = await add_run(app_database, tenant, timedelta(days=100))
    await sweeper.sweep()
    assert await left(app_database, tenant, older) == {**ALL, "command": 0, "run_warning": 0}


async def test_an_open_run_stays_however_old_it_is(
    sweeper: RunHistory, app_database: Database, tenant: Tenant
) -> None:
    run = await add_run(app_database, tenant, OLD, RunState.RUNNING)
    await sweeper.sweep()
    assert await left(app_database, tenant, run) == ALL


async def test_a_run_whose_command_may_still_be_at_work_stays(
    sweeper: RunHistory, app_database: Database, tenant: Tenant
) -> None:
    run = await add_run(app_database, tenant, OLD)
    async with app_database.transaction(tenant.organization_id) as session:
        await session.execute(
            update(Command).where(Command.run_id == run).values(state=CommandState.ABANDONED)
        )
    await sweeper.sweep()
    assert await left(app_database, tenant, run) == {**ALL, "run_warning": 0}


async def test_the_run_that_says_how_a_dataset_stands_stays(
    sweeper: RunHistory, app_database: Database, tenant: Tenant
) -> None:
    run = await add_run(app_database, tenant, OLD)
    async with app_database.transaction(tenant.organization_id) as session:
        await session.execute(update(Dataset).where(Dataset.id == tenant.dataset_id).values(last_run_id=run))
    await sweeper.sweep()
    assert (await left(app_database, tenant, run))["run"] == 1


async def _snapshot_of(database: Database, tenant: Tenant, run: UUID, *, forgotten: bool) -> UUID:
    """The tenant's snapshot is the one that this run made."""
    async with database.transaction(tenant.organization_id) as session:
        await session.execute(
            update(Snapshot)
            .where(Snapshot.id == tenant.snapshot_id)
            .values(run_id=run, forgotten_at=func.now() if forgotten else None)
        )
    return tenant.snapshot_id


async def _snapshots(database: Database, tenant: Tenant) -> tuple[int | None, int | None]:
    async with database.transaction(tenant.organization_id) as session:
        return (
            await session.scalar(select(func.count()).select_from(Snapshot)),
            await session.scalar(select(func.count()).select_from(SnapshotCopy)),
        )


async def test_the_run_of_a_snapshot_stays_with_its_warnings_until_the_snapshot_is_forgotten(
    sweeper: RunHistory, app_database: Database, tenant: Tenant
) -> None:
    run = await add_run(app_database, tenant, OLD, RunState.COMPLETED_WITH_WARNINGS)
    await _snapshot_of(app_database, tenant, run, forgotten=False)
    await sweeper.sweep()
    assert await left(app_database, tenant, run) == {**ALL, "command": 0}
    assert await _snapshots(app_database, tenant) == (1, 1)
    await _snapshot_of(app_database, tenant, run, forgotten=True)
    await sweeper.sweep()
    assert await left(app_database, tenant, run) == NOTHING
    assert await _snapshots(app_database, tenant) == (0, 0)


async def test_a_forgotten_snapshot_stays_as_long_as_a_restore_of_it_is_told(
    sweeper: RunHistory, app_database: Database, tenant: Tenant
) -> None:
    run = await add_run(app_database, tenant, OLD, RunState.SUCCEEDED)
    snapshot = await _snapshot_of(app_database, tenant, run, forgotten=True)
    restore = await add_run(app_database, tenant, YOUNG, RunState.SUCCEEDED, kind=RunKind.RESTORE)
    async with app_database.transaction(tenant.organization_id) as session:
        session.add(
            Restore(
                organization_id=tenant.organization_id,
                run_id=restore,
                snapshot_id=snapshot,
                selection=[],
                target_folder="/restored",
                policy=ConflictPolicy.SKIP,
            )
        )
    await sweeper.sweep()
    assert (await left(app_database, tenant, run))["run"] == 1
    assert await left(app_database, tenant, restore) == ALL


async def test_many_go_in_several_bites(
    sweeper: RunHistory, app_database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_BITE_OF_RUNS", 2)
    monkeypatch.setattr(history, "_BITE", 2)
    runs = [await add_run(app_database, tenant, OLD) for _ in range(5)]
    taken = await sweeper.sweep()
    assert taken["run"] >= 5
    assert [await left(app_database, tenant, run) for run in runs] == [NOTHING] * 5


async def test_the_audit_log_stays(sweeper: RunHistory, app_database: Database, tenant: Tenant) -> None:
    run = await add_run(app_database, tenant, OLD)
    async with app_database.transaction(tenant.organization_id) as session:
        target = ("run", str(run))
        await record(session, tenant.organization_id, Actor("system", "test"), "run.finished", target=target)
    await sweeper.sweep()
    assert (await left(app_database, tenant, run))["run"] == 0
    async with app_database.transaction(tenant.organization_id) as session:
        acts = (await session.scalars(select(AuditEntry.action))).all()
    assert list(acts) == ["run.finished"]


async def test_an_organization_whose_rows_refuse_to_go_is_told_and_keeps_no_other_from_its_turn(
    sweeper: RunHistory, app_database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stands for a table that somebody added and that the sweep does not know of: here it forgets the tickets."""
    statements = tuple(one for one in history._WITH_RUNS if "admission_ticket" not in one)
    monkeypatch.setattr(history, "_WITH_RUNS", statements)
    later = await make_tenant(app_database)
    stuck, free = await add_run(app_database, tenant, OLD), await add_run(app_database, later, OLD)
    async with app_database.transaction(later.organization_id) as session:
        await session.execute(delete(AdmissionTicket))
    assert tenant.organization_id < later.organization_id
    with structlog.testing.capture_logs() as logs:
        await sweeper.sweep()
    assert (await left(app_database, tenant, stuck))["run"] == 1
    assert await left(app_database, later, free) == NOTHING
    told = {"event": "history_stuck", "log_level": "error", "sqlstate": "23503"}
    assert {**told, "organization": tenant.organization_id.hex} in logs
    # What this test left behind would be found by the next one's sweep.
    monkeypatch.undo()
    await sweeper.sweep()
    assert await left(app_database, tenant, stuck) == NOTHING
