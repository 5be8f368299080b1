"""Queries about jobs. Row-level security keeps them inside the transaction's organization."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.jobs.schemas import JobSort
from sbs_server.kit.http.sorting import Order, SortedPage
from sbs_server.models import (
    Agent,
    AgentState,
    Job,
    JobAgent,
    JobRepository,
    Repository,
    RepositoryLayout,
)

_NOT_DUE = datetime(9999, 12, 30, tzinfo=UTC)
_ORDERS = {
    JobSort.NEWEST: Order(Job.created_at, Job.id, "time", descending=True),
    JobSort.OLDEST: Order(Job.created_at, Job.id, "time", descending=False),
    JobSort.NAME: Order(Job.name, Job.id, "text", descending=False),
    JobSort.NAME_DOWN: Order(Job.name, Job.id, "text", descending=True),
    JobSort.NEXT_RUN: Order(func.coalesce(Job.next_due_at, _NOT_DUE), Job.id, "time", descending=False),
}


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are wanted; None: no matter. `name`: a part of it, in any case."""

    name: str | None = None
    paused: bool | None = None
    agent_id: UUID | None = None
    repository_id: UUID | None = None


async def page(session: AsyncSession, asked: SortedPage[JobSort], wanted: JobFilter) -> Sequence[Job]:
    """Sorted; one more than asked for, if there are more."""
    query = asked.apply(_living(), _ORDERS)
    if wanted.name:
        query = query.where(Job.name.icontains(wanted.name, autoescape=True))
    if wanted.paused is not None:
        query = query.where(Job.paused.is_(wanted.paused))
    if wanted.agent_id is not None:
        query = query.where(Job.id.in_(select(JobAgent.job_id).where(JobAgent.agent_id == wanted.agent_id)))
    if wanted.repository_id is not None:
        using = select(JobRepository.job_id).where(JobRepository.repository_id == wanted.repository_id)
        query = query.where(Job.id.in_(using))
    return (await session.scalars(query)).all()


def place(job: Job, sort: JobSort) -> tuple[Any, UUID]:
    """Where a job stands in that order."""
    match sort:
        case JobSort.NAME | JobSort.NAME_DOWN:
            return job.name, job.id
        case JobSort.NEXT_RUN:
            return job.next_due_at or _NOT_DUE, job.id
        case _:
            return job.created_at, job.id


async def find(session: AsyncSession, job_id: UUID, *, lock: bool = False) -> Job | None:
    query = _living().where(Job.id == job_id)
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def name_taken(session: AsyncSession, name: str, besides: UUID | None) -> bool:
    """Whether another living job than `besides` has this name."""
    query = _living().where(Job.name == name)
    if besides is not None:
        query = query.where(Job.id != besides)
    return (await session.scalars(query.limit(1))).first() is not None


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
