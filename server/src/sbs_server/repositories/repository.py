"""Queries about repositories. Row-level security keeps them inside the transaction's organization."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Row, Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.kit.http.pages import PageRequest
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

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))")


async def lock_root(session: AsyncSession, root: str) -> None:
    """Only one transaction at a time takes folders below a storage root."""
    await session.execute(_LOCK, {"what": f"storage-root:{root}"})


async def page(session: AsyncSession, asked: PageRequest) -> Sequence[Repository]:
    """Newest first; one more than asked for, if there are more."""
    query = _living().order_by(Repository.id.desc()).limit(asked.limit + 1)
    if asked.after is not None:
        query = query.where(Repository.id < asked.after)
    return (await session.scalars(query)).all()


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
