"""Queries about snapshots. Row-level security keeps them inside the transaction's organization."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Row, Select, case, select
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.kit.http.sorting import Order, SortedPage
from sbs_server.models import (
    Agent,
    CopyState,
    Dataset,
    Job,
    Repository,
    ResticRepository,
    ResticRepositoryState,
    Snapshot,
    SnapshotCopy,
)

NamedSnapshot = Row[Snapshot, str, UUID, str]
"""A snapshot with the name of its agent, and id and name of its job."""


@dataclass(frozen=True, slots=True)
class SnapshotFilter:
    agent_id: UUID | None = None
    job_id: UUID | None = None
    dataset_id: UUID | None = None
    repository_id: UUID | None = None
    forgotten: bool = False
    taken_from: datetime | None = None
    taken_to: datetime | None = None


class SnapshotSort(StrEnum):
    """A minus turns the order around."""

    NEWEST = "-taken_at"
    OLDEST = "taken_at"


_ORDERS = {
    SnapshotSort.NEWEST: Order(Snapshot.taken_at, Snapshot.id, "time", descending=True),
    SnapshotSort.OLDEST: Order(Snapshot.taken_at, Snapshot.id, "time", descending=False),
}


async def page(
    session: AsyncSession, asked: SortedPage[SnapshotSort], wanted: SnapshotFilter
) -> Sequence[NamedSnapshot]:
    """Sorted; one more than asked for, if there are more."""
    query = asked.apply(_named(), _ORDERS)
    if wanted.repository_id is not None:
        query = query.where(Snapshot.id.in_(_ids_in(wanted.repository_id)))
    if wanted.taken_from is not None:
        query = query.where(Snapshot.taken_at >= wanted.taken_from)
    if wanted.taken_to is not None:
        query = query.where(Snapshot.taken_at < wanted.taken_to)
    if not wanted.forgotten:
        query = query.where(Snapshot.forgotten_at.is_(None))
    for column, value in (
        (Snapshot.agent_id, wanted.agent_id),
        (Dataset.job_id, wanted.job_id),
        (Snapshot.dataset_id, wanted.dataset_id),
    ):
        if value is not None:
            query = query.where(column == value)
    return (await session.execute(query)).all()


async def named(session: AsyncSession, snapshot_id: UUID) -> NamedSnapshot | None:
    return (await session.execute(_named().where(Snapshot.id == snapshot_id))).one_or_none()


async def copies(
    session: AsyncSession, snapshot_id: UUID
) -> Sequence[Row[SnapshotCopy, ResticRepository, Repository]]:
    """Where the snapshot lies and lay; those that can be read come first."""
    readable = case((ResticRepository.state == ResticRepositoryState.READY, 0), else_=1)
    query = (
        select(SnapshotCopy, ResticRepository, Repository)
        .join(ResticRepository, ResticRepository.id == SnapshotCopy.restic_repository_id)
        .join(Repository, Repository.id == ResticRepository.repository_id)
        .where(SnapshotCopy.snapshot_id == snapshot_id)
        .order_by(readable, SnapshotCopy.id)
    )
    return (await session.execute(query)).all()


def is_present(copy: SnapshotCopy, below: ResticRepository) -> bool:
    """Whether a copy can be read."""
    return copy.state is CopyState.PRESENT and below.state is not ResticRepositoryState.PENDING


def _ids_in(repository_id: UUID) -> Select[UUID]:
    return (
        select(SnapshotCopy.snapshot_id)
        .join(ResticRepository, ResticRepository.id == SnapshotCopy.restic_repository_id)
        .where(ResticRepository.repository_id == repository_id, SnapshotCopy.state == CopyState.PRESENT)
    )


def _named() -> Select[Snapshot, str, UUID, str]:
    return (
        select(Snapshot, Agent.name, Job.id, Job.name)
        .join(Agent, Agent.id == Snapshot.agent_id)
        .join(Dataset, Dataset.id == Snapshot.dataset_id)
        .join(Job, Job.id == Dataset.job_id)
    )
