"""Queries about jobs. Row-level security keeps them inside the transaction's organization."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, Select, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.kit.http.pages import PageRequest
from sbs_server.models import (
    Agent,
    AgentState,
    Job,
    JobAgent,
    JobRepository,
    Repository,
    RepositoryLayout,
)


async def page(session: AsyncSession, asked: PageRequest) -> Sequence[Job]:
    """Newest first; one more than asked for, if there are more."""
    query = _living().order_by(Job.id.desc()).limit(asked.limit + 1)
    if asked.after is not None:
        query = query.where(Job.id < asked.after)
    return (await session.scalars(query)).all()


async def find(session: AsyncSession, job_id: UUID, *, lock: bool = False) -> Job | None:
    query = _living().where(Job.id == job_id)
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def agents_of(session: AsyncSession, job_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """The agents of each job."""
    query = (
        select(JobAgent.job_id, JobAgent.agent_id)
        .where(JobAgent.job_id.in_(job_ids))
        .order_by(JobAgent.agent_id)
    )
    return _grouped((await session.execute(query)).all())


async def repositories_of(session: AsyncSession, job_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """The repositories of each job."""
    query = (
        select(JobRepository.job_id, JobRepository.repository_id)
        .where(JobRepository.job_id.in_(job_ids))
        .order_by(JobRepository.repository_id)
    )
    return _grouped((await session.execute(query)).all())


async def agent_states(session: AsyncSession, agent_ids: Sequence[UUID]) -> dict[UUID, AgentState]:
    """The states of those that exist here."""
    query = select(Agent.id, Agent.state).where(Agent.id.in_(agent_ids)).with_for_update(read=True)
    return {row[0]: row[1] for row in await session.execute(query)}


async def living_repositories(session: AsyncSession, repository_ids: Sequence[UUID]) -> set[UUID]:
    """Those that exist here. They can't be deleted before this transaction ends."""
    query = (
        select(Repository.id)
        .where(
            Repository.id.in_(repository_ids),
            Repository.deleted_at.is_(None),
            Repository.layout != RepositoryLayout.TEMPLATE,
        )
        .with_for_update(read=True)
    )
    return set((await session.scalars(query)).all())


async def replace_agents(session: AsyncSession, job: Job, agent_ids: Sequence[UUID]) -> None:
    await session.execute(delete(JobAgent).where(JobAgent.job_id == job.id))
    own = {"organization_id": job.organization_id, "job_id": job.id}
    await session.execute(insert(JobAgent), [{**own, "agent_id": agent_id} for agent_id in agent_ids])


async def replace_repositories(session: AsyncSession, job: Job, repository_ids: Sequence[UUID]) -> None:
    await session.execute(delete(JobRepository).where(JobRepository.job_id == job.id))
    own = {"organization_id": job.organization_id, "job_id": job.id}
    rows = [{**own, "repository_id": repository_id} for repository_id in repository_ids]
    await session.execute(insert(JobRepository), rows)


def _living() -> Select[Job]:
    return select(Job).where(Job.deleted_at.is_(None))


def _grouped(pairs: Sequence[Row[UUID, UUID]]) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for owner, owned in pairs:
        found[owner].append(owned)
    return found
