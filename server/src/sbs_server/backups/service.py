"""Starting and stopping runs: rows first, the workflow follows through the outbox."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.audit.service import Actor, record
from sbs_server.backups.skipping import Skipped, note_skipped
from sbs_server.kit.errors import ConflictError
from sbs_server.messaging import outbox
from sbs_server.models import (
    Agent,
    AgentState,
    Dataset,
    Job,
    JobAgent,
    OutboxKind,
    Run,
    RunKind,
    RunState,
    RunTrigger,
)


def workflow_id(run_id: UUID) -> str:
    return f"run-{run_id.hex}"


async def start_runs(
    session: AsyncSession,
    organization_id: UUID,
    job: Job,
    trigger: RunTrigger,
    *,
    requested_by: UUID | None = None,
    scheduled_for: datetime | None = None,
    agent_ids: list[UUID] | None = None,
) -> list[Run]:
    """One run for each active agent of the job (or for those named).

    A slot that has its run gets no second, and none while a run of the same dataset is still open: else they would
    pile up while a machine is away. Such a slot is passed over, and that is recorded.
    """
    runs, skipped = [], []
    for agent_id in await _active_agents(session, job, agent_ids):
        dataset_id = await _dataset(session, organization_id, job.id, agent_id)
        if scheduled_for is not None:
            if await _slot_taken(session, dataset_id, scheduled_for):
                continue
            open_run = await _open_run(session, dataset_id)
            if open_run is not None:
                skipped.append(Skipped(job, agent_id, dataset_id, scheduled_for, open_run))
                continue
        run = Run(
            organization_id=organization_id,
            kind=RunKind.BACKUP,
            trigger=trigger,
            job_id=job.id,
            agent_id=agent_id,
            dataset_id=dataset_id,
            requested_by=requested_by,
            scheduled_for=scheduled_for,
            waiting_for="start",
        )
        session.add(run)
        await session.flush()
        await start_workflow(session, run, "BackupWorkflow")
        runs.append(run)
    for one in skipped:
        await note_skipped(session, one)
    return runs


async def start_workflow(session: AsyncSession, run: Run, workflow: str) -> None:
    """Has the relay start the run's workflow, once this transaction is committed."""
    payload: dict[str, Any] = {
        "workflow": workflow,
        "workflow_id": workflow_id(run.id),
        "input": {"organization_id": run.organization_id.hex, "run_id": run.id.hex},
    }
    aggregate = f"run:{run.id.hex}"
    await outbox.put(session, OutboxKind.WORKFLOW_START, aggregate, payload, run.organization_id)
    await changed(session, run)


async def changed(session: AsyncSession, run: Run) -> None:
    """Tells everyone who looks at the run that it has changed."""
    data = {
        "run_id": run.id.hex,
        "kind": run.kind.value,
        "state": run.state.value,
        "agent_id": run.agent_id.hex,
        "job_id": None if run.job_id is None else run.job_id.hex,
    }
    await outbox.event(session, run.organization_id, f"run:{run.id.hex}", "run.changed.v1", data)


async def request_cancel(session: AsyncSession, run: Run, actor: Actor) -> None:
    """Asks the run's workflow to stop. Raises `ConflictError` when the run has ended."""
    if run.state.is_final:
        raise ConflictError("run.already_final", state=run.state.value)
    if run.cancel_requested_at is None:
        run.cancel_requested_at = await session.scalar(select(func.now()))
        payload = {"workflow_id": workflow_id(run.id), "signal": "cancel", "input": None}
        aggregate = f"run:{run.id.hex}"
        await outbox.put(session, OutboxKind.WORKFLOW_SIGNAL, aggregate, payload, run.organization_id)
        await changed(session, run)
    target = ("run", str(run.id))
    await record(session, run.organization_id, actor, "run.cancel_requested", target=target)


async def _active_agents(session: AsyncSession, job: Job, wanted: list[UUID] | None) -> list[UUID]:
    query = (
        select(Agent.id)
        .join(JobAgent, JobAgent.agent_id == Agent.id)
        .where(JobAgent.job_id == job.id, Agent.state == AgentState.ACTIVE)
        .order_by(Agent.id)
    )
    if wanted is not None:
        query = query.where(Agent.id.in_(wanted))
    return list((await session.scalars(query)).all())


async def _dataset(session: AsyncSession, organization_id: UUID, job_id: UUID, agent_id: UUID) -> UUID:
    fresh = insert(Dataset).values(organization_id=organization_id, job_id=job_id, agent_id=agent_id)
    await session.execute(fresh.on_conflict_do_nothing(index_elements=["job_id", "agent_id"]))
    query = select(Dataset.id).where(Dataset.job_id == job_id, Dataset.agent_id == agent_id)
    # Locked: whoever starts another run of it at the same time has to see this one.
    return (await session.scalars(query.with_for_update())).one()


async def _open_run(session: AsyncSession, dataset_id: UUID) -> UUID | None:
    states = [RunState.WAITING, RunState.RUNNING]
    query = select(Run.id).where(Run.dataset_id == dataset_id, Run.state.in_(states)).order_by(Run.id)
    return (await session.scalars(query)).first()


async def _slot_taken(session: AsyncSession, dataset_id: UUID, scheduled_for: datetime) -> bool:
    query = select(Run.id).where(Run.dataset_id == dataset_id, Run.scheduled_for == scheduled_for)
    return (await session.scalars(query)).first() is not None
