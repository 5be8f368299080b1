"""Starting backups: rows first, the workflow follows through the outbox."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.backups.skipping import Skipped, note_skipped
from sbs_server.models import (
    Agent,
    AgentState,
    Dataset,
    Job,
    JobAgent,
    Run,
    RunKind,
    RunState,
    RunTrigger,
)
from sbs_server.runs.lifecycle import start_workflow


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
