"""Queries about repositories. Row-level security keeps them inside the transaction's organization."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.kit.db.locks import lock
from sbs_server.kit.http.sorting import Order, SortedPage
from sbs_server.models import (
    Agent,
    CopyState,
    Job,
    JobRepository,
    Repository,
    RepositoryLayout,
    ResticRepository,
    SnapshotCopy,
)
from sbs_server.repositories.schemas import RepositorySort

_ORDERS = {
    RepositorySort.NEWEST: Order(Repository.created_at, Repository.id, "time", descending=True),
    RepositorySort.OLDEST: Order(Repository.created_at, Repository.id, "time", descending=False),
    RepositorySort.NAME: Order(Repository.name, Repository.id, "text", descending=False),
    RepositorySort.NAME_DOWN: Order(Repository.name, Repository.id, "text", descending=True),
}


async def lock_root(session: AsyncSession, root: str) -> None:
    """Only one transaction at a time takes folders below a storage root."""
    await lock(session, f"storage-root:{root}")


async def page(
    session: AsyncSession, asked: SortedPage[RepositorySort], name: str | None
) -> Sequence[Repository]:
    """Sorted; one more than asked for, if there are more. `name`: a part of it, in any case."""
    query = asked.apply(_living(), _ORDERS)
    if name:
        query = query.where(Repository.name.icontains(name, autoescape=True))
    return (await session.scalars(query)).all()


def place(found: Repository, sort: RepositorySort) -> tuple[Any, UUID]:
    """Where a repository stands in that order."""
    by_name = sort in {RepositorySort.NAME, RepositorySort.NAME_DOWN}
    return found.name if by_name else found.created_at, found.id


async def count_snapshots(session: AsyncSession, repository_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many snapshots have a copy in each repository."""
    query = (
        select(ResticRepository.repository_id, func.count())
        .join(SnapshotCopy, SnapshotCopy.restic_repository_id == ResticRepository.id)
        .where(
            ResticRepository.repository_id.in_(repository_ids),
            # As text, not as a parameter: there is an index on these alone.
            SnapshotCopy.state == literal(CopyState.PRESENT, SnapshotCopy.state.type, literal_execute=True),
        )
        .group_by(ResticRepository.repository_id)
    )
    return {row[0]: row[1] for row in await session.execute(query)}


async def find(session: AsyncSession, repository_id: UUID, *, lock: bool = False) -> Repository | None:
    query = _living().where(Repository.id == repository_id)
    return (await session.scalars(query.with_for_update() if lock else query)).one_or_none()


async def living(session: AsyncSession) -> Sequence[Repository]:
    return (await session.scalars(_living())).all()


async def restic_repositories(
    session: AsyncSession, repository_id: UUID
) -> Sequence[Row[ResticRepository, str | None]]:
    """With the names of their agents, sorted by them."""
    query = (
        select(ResticRepository, Agent.name)
        .outerjoin(Agent, Agent.id == ResticRepository.agent_id)
        .where(ResticRepository.repository_id == repository_id)
        .order_by(Agent.name, ResticRepository.id)
    )
    return (await session.execute(query)).all()


async def jobs_using(session: AsyncSession, repository_id: UUID) -> Sequence[str]:
    """The names of jobs that write to it."""
    query = (
        select(Job.name)
        .join(JobRepository, JobRepository.job_id == Job.id)
        .where(JobRepository.repository_id == repository_id, Job.deleted_at.is_(None))
        .order_by(Job.name)
    )
    return (await session.scalars(query)).all()


async def count_copies(session: AsyncSession, repository_id: UUID) -> int:
    """How many snapshots are in it."""
    query = (
        select(func.count())
        .select_from(SnapshotCopy)
        .join(ResticRepository, ResticRepository.id == SnapshotCopy.restic_repository_id)
        .where(ResticRepository.repository_id == repository_id, SnapshotCopy.state == CopyState.PRESENT)
    )
    return (await session.scalars(query)).one()


def _living() -> Select[Repository]:
    # The organization's template is ours, not a place that people back up to.
    return select(Repository).where(
        Repository.deleted_at.is_(None), Repository.layout != RepositoryLayout.TEMPLATE
    )
