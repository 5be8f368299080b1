"""The steps of a backup that touch database and repositories."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from sbs_protocol.commands import BackupRun
from sbs_protocol.identifiers import command_id
from sbs_server.agents.order_types import CommandOutcome, Order
from sbs_server.backups.outcome import run_state, target_state
from sbs_server.backups.types import BackupOutcomes, BackupPlan, TargetOutcome
from sbs_server.kit.db.session import Database
from sbs_server.kit.workflows import RunRef
from sbs_server.messaging import outbox
from sbs_server.models import (
    Agent,
    CopyState,
    Job,
    JobRepository,
    Repository,
    ResticRepository,
    Run,
    RunState,
    RunTarget,
    Snapshot,
    SnapshotCopy,
)
from sbs_server.repositories.restic import RepositoryProblem, ResticRepositories
from sbs_server.runs.lifecycle import changed
from sbs_server.runs.types import RunEnd

_NO_SNAPSHOT = ("snapshot_missing", "the snapshot is not in the repository")


class BackupActivities:
    def __init__(self, database: Database, repositories: ResticRepositories) -> None:
        self._database = database
        self._repositories = repositories

    @activity.defn(name="backups.prepare")
    async def prepare(self, ref: RunRef) -> BackupPlan:
        """Settles what is to be done, and makes the restic repositories that do not exist yet."""
        organization_id, run_id = UUID(hex=ref.organization_id), UUID(hex=ref.run_id)
        try:
            targets, refused = await self._targets(organization_id, run_id)
        except RepositoryProblem as problem:
            return BackupPlan(problem_code=problem.code, problem_message=str(problem))
        async with self._database.transaction(organization_id) as session:
            run = await session.get_one(Run, run_id, with_for_update=True)
            if run.state.is_final:  # given up on before its workflow began, see runs.lost
                return BackupPlan(
                    problem_code=run.error_code or "run_ended", problem_message="the run has ended"
                )
            job = await session.get_one(Job, run.job_id)
            agent = await session.get_one(Agent, run.agent_id)
            for target in [*targets, *(UUID(hex=one.restic_repository_id) for one in refused)]:
                await session.merge(
                    RunTarget(organization_id=organization_id, run_id=run_id, restic_repository_id=target)
                )
            run.waiting_for = "admission"
            await session.flush()
            await changed(session, run)
            orders = [
                _order(run, job, agent, target, await _parent(session, run, target)) for target in targets
            ]
            return BackupPlan(orders, refused, job.keep_last)

    async def _targets(self, organization_id: UUID, run_id: UUID) -> tuple[list[UUID], list[TargetOutcome]]:
        """The restic repositories to back up to, and those that can't be used. Raises RepositoryProblem for all."""
        async with self._database.transaction(organization_id) as session:
            run = await session.get_one(Run, run_id)
            query = (
                select(Repository.id)
                .join(JobRepository, JobRepository.repository_id == Repository.id)
                .where(JobRepository.job_id == run.job_id, Repository.deleted_at.is_(None))
                .order_by(Repository.id)
            )
            repositories = (await session.scalars(query)).all()
        if not repositories:
            raise RepositoryProblem("no_target", "the job has no repository any more")
        usable: list[UUID] = []
        problems: list[RepositoryProblem] = []
        for repository_id in repositories:
            try:
                usable.append(await self._repositories.ensure(organization_id, repository_id, run.agent_id))
            except RepositoryProblem as problem:
                problems.append(problem)
        if not usable:
            raise problems[0]
        return usable, [_refused(problem) for problem in problems]

    @activity.defn(name="backups.record")
    async def record(self, outcomes: BackupOutcomes) -> RunEnd:
        """Writes down what each target has; a snapshot counts only if it really lies in its repository."""
        organization_id, run_id = UUID(hex=outcomes.organization_id), UUID(hex=outcomes.run_id)
        async with self._database.transaction(organization_id) as session:
            run = await session.get_one(Run, run_id, with_for_update=True)
            states = [await self._target(session, run, target) for target in outcomes.targets]
            await changed(session, run)
        state = run_state(states)
        trouble = next((t.outcome.problem for t in outcomes.targets if t.outcome.problem is not None), None)
        if state in {RunState.FAILED, RunState.PARTIAL} and trouble is None:
            return RunEnd(state.value, False, *_NO_SNAPSHOT)
        if trouble is None:
            return RunEnd(state.value, state.may_forget)
        return RunEnd(state.value, state.may_forget, trouble.code, trouble.message)

    async def _target(self, session: AsyncSession, run: Run, target: TargetOutcome) -> RunState:
        key = (run.organization_id, run.id, UUID(hex=target.restic_repository_id))
        row = await session.get_one(RunTarget, key)
        outcome, state = target.outcome, target_state(target.outcome)
        snapshot_id = (outcome.backup or {}).get("snapshot_id")
        if snapshot_id is not None:
            repository = await session.get_one(ResticRepository, row.restic_repository_id)
            there = await self._repositories.holds_snapshot(repository.path, snapshot_id)
            if not there or not await _register(session, run, row.restic_repository_id, outcome):
                state = RunState.FAILED
        row.state, row.restic_snapshot_id, row.result = state, snapshot_id, outcome.backup or {}
        row.recorded_at = func.now()
        if outcome.problem is not None:
            row.error_code, row.error_message = outcome.problem.code, outcome.problem.message
        elif state == RunState.FAILED:
            row.error_code, row.error_message = _NO_SNAPSHOT
        return state


def _refused(problem: RepositoryProblem) -> TargetOutcome:
    if problem.restic_repository_id is None:  # not a matter of this target alone
        raise problem
    return TargetOutcome(problem.restic_repository_id.hex, CommandOutcome.failed(problem.code, str(problem)))


async def _parent(session: AsyncSession, run: Run, restic_repository_id: UUID) -> str | None:
    """restic's id of the newest snapshot of this dataset that lies in that restic repository.

    restic itself finds a parent by equal paths only, and with include masks each backup has others: it would read
    every file again.
    """
    query = (
        select(SnapshotCopy.restic_snapshot_id)
        .join(Snapshot, Snapshot.id == SnapshotCopy.snapshot_id)
        .where(
            Snapshot.dataset_id == run.dataset_id,
            SnapshotCopy.restic_repository_id == restic_repository_id,
            SnapshotCopy.state == CopyState.PRESENT,
        )
        .order_by(Snapshot.taken_at.desc(), Snapshot.id.desc())
        .limit(1)
    )
    return (await session.scalars(query)).one_or_none()


def _order(run: Run, job: Job, agent: Agent, restic_repository_id: UUID, parent: str | None) -> Order:
    body = BackupRun(
        dataset_id=run.dataset_id or run.id,
        restic_repository_id=restic_repository_id,
        sources=job.sources,
        includes=job.includes,
        excludes=job.excludes,
        tags=[f"sbs:job={job.id.hex}", f"sbs:run={run.id.hex}"],
        host=agent.name,
        parent_snapshot=parent,
        compression=job.compression.value,
    )
    return Order(
        organization_id=run.organization_id.hex,
        run_id=run.id.hex,
        agent_id=run.agent_id.hex,
        restic_repository_id=restic_repository_id.hex,
        command_id=command_id(run.id, "backup", restic_repository_id),
        body=body.model_dump(mode="json"),
    )


async def _register(
    session: AsyncSession, run: Run, restic_repository_id: UUID, outcome: CommandOutcome
) -> bool:
    """The snapshot of this run, made with its first copy, and the copy itself. False: it is another run's."""
    said = outcome.backup or {}
    copy = await _known_copy(session, restic_repository_id, said["snapshot_id"])
    snapshot = (await session.scalars(select(Snapshot).where(Snapshot.run_id == run.id))).one_or_none()
    if copy is not None:
        return snapshot is not None and copy.snapshot_id == snapshot.id
    if snapshot is None:
        job = await session.get_one(Job, run.job_id)
        agent = await session.get_one(Agent, run.agent_id)
        snapshot = Snapshot(
            organization_id=run.organization_id,
            dataset_id=run.dataset_id,
            agent_id=run.agent_id,
            run_id=run.id,
            taken_at=await _when(session, run, outcome),
            hostname=agent.hostname,
            paths=job.sources,
            files=said["files_new"] + said["files_changed"] + said["files_unmodified"],
            size_bytes=said["bytes_processed"],
            added_bytes=said["bytes_added"],
            complete=outcome.result == "succeeded",
        )
        session.add(snapshot)
        await session.flush()
        await _tell_snapshot(session, snapshot, job)
    session.add(
        SnapshotCopy(
            organization_id=snapshot.organization_id,
            snapshot_id=snapshot.id,
            restic_repository_id=restic_repository_id,
            restic_snapshot_id=said["snapshot_id"],
        )
    )
    await session.flush()
    return True


async def _tell_snapshot(session: AsyncSession, snapshot: Snapshot, job: Job) -> None:
    data = {
        "snapshot_id": snapshot.id.hex,
        "run_id": snapshot.run_id.hex,
        "job_id": job.id.hex,
        "agent_id": snapshot.agent_id.hex,
    }
    aggregate = f"snapshot:{snapshot.id.hex}"
    await outbox.event(session, snapshot.organization_id, aggregate, "snapshot.created.v1", data)


async def _known_copy(
    session: AsyncSession, restic_repository_id: UUID, restic_snapshot_id: str
) -> SnapshotCopy | None:
    query = select(SnapshotCopy).where(
        SnapshotCopy.restic_repository_id == restic_repository_id,
        SnapshotCopy.restic_snapshot_id == restic_snapshot_id,
    )
    return (await session.scalars(query)).one_or_none()


async def _when(session: AsyncSession, run: Run, outcome: CommandOutcome) -> datetime:
    """When the agent says it was, but not before the run nor after now by the database's clock.

    Retention goes by this time: an agent whose clock is wrong must not have its new snapshots taken for old ones.
    """
    said = datetime.fromisoformat(outcome.finished_at or "")
    now = (await session.scalars(select(func.now()))).one()
    return max(run.created_at, min(said if said.tzinfo else said.replace(tzinfo=UTC), now))
