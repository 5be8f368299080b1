"""The steps of a restore that touch the database."""

from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from sbs_protocol.commands import RestoreRun
from sbs_protocol.identifiers import command_id
from sbs_protocol.paths import WirePath
from sbs_server.agents import commands
from sbs_server.agents.order_types import Order
from sbs_server.kit.db.session import Database
from sbs_server.kit.workflows import RunRef
from sbs_server.models import (
    Command,
    CopyState,
    ResticRepository,
    ResticRepositoryState,
    Restore,
    Run,
    RunState,
    RunTarget,
    SnapshotCopy,
)
from sbs_server.restores.types import RestoreOutcome, RestorePlan
from sbs_server.runs.lifecycle import changed
from sbs_server.runs.types import RunEnd

_STEP = "restore"


class RestoreActivities:
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn(name="restores.prepare")
    async def prepare(self, ref: RunRef) -> RestorePlan:
        """Chooses the copy to restore from and settles what the agent is to do."""
        organization_id, run_id = UUID(hex=ref.organization_id), UUID(hex=ref.run_id)
        async with self._database.transaction(organization_id) as session:
            run = await session.get_one(Run, run_id, with_for_update=True)
            if run.state.is_final:  # given up on before its workflow began, see runs.lost
                return RestorePlan(problem_code="run_ended", problem_message="the run has ended")
            restore = await session.get_one(Restore, (organization_id, run_id))
            found = await _copy(session, restore.snapshot_id)
            if found is None:
                return RestorePlan(
                    problem_code="snapshot_missing", problem_message="the snapshot was forgotten meanwhile"
                )
            copy, repository = found
            if repository.state == ResticRepositoryState.QUARANTINED:
                return RestorePlan(
                    problem_code="repository_quarantined", problem_message=repository.state_reason
                )
            await session.merge(
                RunTarget(
                    organization_id=organization_id,
                    run_id=run_id,
                    restic_repository_id=copy.restic_repository_id,
                )
            )
            run.waiting_for = "admission"
            await session.flush()
            await changed(session, run)
            return RestorePlan(_order(run, restore, copy))

    @activity.defn(name="restores.record")
    async def record(self, given: RestoreOutcome) -> RunEnd:
        """Writes down what the agent restored and verified."""
        organization_id, run_id = UUID(hex=given.organization_id), UUID(hex=given.run_id)
        outcome, state = given.outcome, RunState(given.outcome.result)
        async with self._database.transaction(organization_id) as session:
            run = await session.get_one(Run, run_id, with_for_update=True)
            key = (organization_id, run_id, UUID(hex=given.restic_repository_id))
            target = await session.get_one(RunTarget, key)
            target.state, target.result = state, outcome.restore or {}
            target.recorded_at = func.now()
            run.result = outcome.restore or {}
            if outcome.problem is not None:
                target.error_code, target.error_message = outcome.problem.code, outcome.problem.message
            if state not in {RunState.SUCCEEDED, RunState.COMPLETED_WITH_WARNINGS}:
                await _let_go(session, run, key[2])
        if outcome.problem is None:
            return RunEnd(state.value)
        return RunEnd(state.value, False, outcome.problem.code, outcome.problem.message)


async def _let_go(session: AsyncSession, run: Run, restic_repository_id: UUID) -> None:
    """The last attempt has failed: what the agent keeps in the target for a further one may go."""
    command = await session.get(Command, command_id(run.id, _STEP, restic_repository_id))
    if command is not None:
        await commands.publish_final(session, command)


async def _copy(session: AsyncSession, snapshot_id: UUID) -> Row[SnapshotCopy, ResticRepository] | None:
    """The copy to restore from, one that can be read now if there is one, and where it lies."""
    query = (
        select(SnapshotCopy, ResticRepository)
        .join(ResticRepository, ResticRepository.id == SnapshotCopy.restic_repository_id)
        .where(SnapshotCopy.snapshot_id == snapshot_id, SnapshotCopy.state == CopyState.PRESENT)
        .order_by(ResticRepository.state == ResticRepositoryState.QUARANTINED, SnapshotCopy.id)
    )
    return (await session.execute(query)).first()


def _order(run: Run, restore: Restore, copy: SnapshotCopy) -> Order:
    body = RestoreRun(
        restic_repository_id=copy.restic_repository_id,
        restic_snapshot_id=copy.restic_snapshot_id,
        selection=[WirePath.model_validate(path) for path in restore.selection],
        target_folder=restore.target_folder,
        policy=restore.policy,
        verify=restore.verify,
    )
    return Order(
        organization_id=run.organization_id.hex,
        run_id=run.id.hex,
        agent_id=run.agent_id.hex,
        restic_repository_id=copy.restic_repository_id.hex,
        command_id=command_id(run.id, _STEP, copy.restic_repository_id),
        body=body.model_dump(mode="json"),
    )
