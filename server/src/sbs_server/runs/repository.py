"""Queries about runs. Row-level security keeps them inside the transaction's organization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Numeric, Row, Select, bindparam, cast, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from sbs_server.kit.http.pages import PageRequest
from sbs_server.kit.http.sorting import Order, SortedPage
from sbs_server.models import (
    AdmissionClaim,
    AdmissionTicket,
    Agent,
    ClaimMode,
    Command,
    Job,
    JobAgent,
    Repository,
    ResticRepository,
    Run,
    RunAttempt,
    RunKind,
    RunState,
    RunTarget,
    RunWarning,
    Snapshot,
    TicketState,
)

NamedRun = Row[Run, str, str | None]
"""A run with the names of its agent and its job."""


@dataclass(frozen=True, slots=True)
class RunFilter:
    kind: RunKind | None = None
    states: Sequence[RunState] = ()
    job_id: UUID | None = None
    agent_id: UUID | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


class RunSort(StrEnum):
    """A minus turns the order around."""

    NEWEST = "-created_at"
    OLDEST = "created_at"


_ORDERS = {
    RunSort.NEWEST: Order(Run.created_at, Run.id, "time", descending=True),
    RunSort.OLDEST: Order(Run.created_at, Run.id, "time", descending=False),
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of the files that a run has read or written, and of what it added. None: not known (yet)."""

    processed: int | None = None
    added: int | None = None


@dataclass(frozen=True, slots=True)
class QueuePlace:
    position: int
    length: int
    blocked_by: Sequence[UUID]


async def page(session: AsyncSession, asked: SortedPage[RunSort], wanted: RunFilter) -> Sequence[NamedRun]:
    """Sorted; one more than asked for, if there are more."""
    query = asked.apply(_named(), _ORDERS)
    if wanted.kind is not None:
        query = query.where(Run.kind == wanted.kind)
    if wanted.states:
        # As text, not as parameters: how rare a state is decides which index serves best.
        states: BindParameter[Any] = bindparam("states", wanted.states, expanding=True, literal_execute=True)
        query = query.where(Run.state.in_(states))
    if wanted.job_id is not None:
        query = query.where(Run.job_id == wanted.job_id)
    if wanted.agent_id is not None:
        query = query.where(Run.agent_id == wanted.agent_id)
    if wanted.created_from is not None:
        query = query.where(Run.created_at >= wanted.created_from)
    if wanted.created_to is not None:
        query = query.where(Run.created_at < wanted.created_to)
    return (await session.execute(query)).all()


async def named(session: AsyncSession, run_ids: Sequence[UUID]) -> Sequence[NamedRun]:
    query = _named().where(Run.id.in_(run_ids)).order_by(Run.id)
    return (await session.execute(query)).all()


async def sizes(session: AsyncSession, run_ids: Sequence[UUID]) -> Mapping[UUID, Sizes]:
    """Of those runs that have results. Each target gets the same files: they count once, what was added each time."""
    processed = func.coalesce(_number("bytes_processed"), _number("bytes_restored"))
    query = (
        select(RunTarget.run_id, func.max(processed), func.sum(_number("bytes_added")))
        .where(RunTarget.run_id.in_(run_ids), RunTarget.result != {})
        .group_by(RunTarget.run_id)
    )
    return {
        run_id: Sizes(_whole(read), _whole(added)) for run_id, read, added in await session.execute(query)
    }


def _number(member: str) -> Any:
    """A member of a target's result; as Numeric, which holds whatever an agent has sent."""
    return cast(RunTarget.result[member].as_string(), Numeric)


def _whole(number: Decimal | None) -> int | None:
    return None if number is None else int(number)


async def lock(session: AsyncSession, run_id: UUID) -> Run | None:
    return await session.get(Run, run_id, with_for_update=True)


async def exists(session: AsyncSession, run_id: UUID) -> bool:
    return (await session.scalars(select(Run.id).where(Run.id == run_id))).first() is not None


async def targets(session: AsyncSession, run_id: UUID) -> Sequence[Row[RunTarget, UUID, str]]:
    """With the id and name of the repository that each is in."""
    query = (
        select(RunTarget, Repository.id, Repository.name)
        .join(ResticRepository, ResticRepository.id == RunTarget.restic_repository_id)
        .join(Repository, Repository.id == ResticRepository.repository_id)
        .where(RunTarget.run_id == run_id)
        .order_by(Repository.name, RunTarget.restic_repository_id)
    )
    return (await session.execute(query)).all()


async def attempts(session: AsyncSession, run_id: UUID) -> Sequence[RunAttempt]:
    query = (
        select(RunAttempt)
        .where(RunAttempt.run_id == run_id)
        .order_by(RunAttempt.attempt, RunAttempt.restic_repository_id)
    )
    return (await session.scalars(query)).all()


async def tickets(session: AsyncSession, run_id: UUID) -> Sequence[AdmissionTicket]:
    query = (
        select(AdmissionTicket)
        .where(AdmissionTicket.run_id == run_id)
        .order_by(AdmissionTicket.enqueued_at, AdmissionTicket.id)
    )
    return (await session.scalars(query)).all()


async def commands(session: AsyncSession, run_id: UUID) -> Sequence[Command]:
    return (await session.scalars(select(Command).where(Command.run_id == run_id).order_by(Command.id))).all()


async def snapshot_of(session: AsyncSession, run_id: UUID) -> UUID | None:
    return (await session.scalars(select(Snapshot.id).where(Snapshot.run_id == run_id))).one_or_none()


async def warnings(
    session: AsyncSession, run_id: UUID, asked: PageRequest, part: str | None = None
) -> Sequence[Row[RunWarning, UUID | None]]:
    """With the restic repository of the attempt, in the order in which they came; one more than asked for.

    `part`: only those with it somewhere in their path, in any case.
    """
    query = (
        select(RunWarning, Command.restic_repository_id)
        .outerjoin(Command, Command.id == RunWarning.command_id)
        .where(RunWarning.run_id == run_id)
        .order_by(RunWarning.id)
        .limit(asked.limit + 1)
    )
    if asked.after is not None:
        query = query.where(RunWarning.id > asked.after)
    if part:
        query = query.where(RunWarning.path.icontains(part, autoescape=True))
    return (await session.execute(query)).all()


async def agents_of_job(session: AsyncSession, job_id: UUID) -> Sequence[Agent]:
    query = select(Agent).join(JobAgent, JobAgent.agent_id == Agent.id).where(JobAgent.job_id == job_id)
    return (await session.scalars(query)).all()


async def queue_place(session: AsyncSession, run_id: UUID) -> QueuePlace | None:
    """Where the run stands among those that wait for admission; None when it does not.

    One statement: between two the run might be let in, and stand nowhere.
    """
    waiting = aliased(AdmissionTicket)
    order = tuple_(AdmissionTicket.enqueued_at, AdmissionTicket.id)
    ahead = func.count().filter(tuple_(waiting.enqueued_at, waiting.id) <= order)
    places = (
        select(AdmissionTicket.id, ahead, func.count())
        .join(waiting, waiting.state == TicketState.WAITING)
        .where(AdmissionTicket.run_id == run_id, AdmissionTicket.state == TicketState.WAITING)
        .group_by(AdmissionTicket.id)
    )
    found = (await session.execute(places)).first()
    if found is None:
        return None
    ticket_id, position, length = found
    return QueuePlace(position, length, await _holders(session, ticket_id))


async def _holders(session: AsyncSession, ticket_id: UUID) -> Sequence[UUID]:
    """The runs whose granted claims stand against those of a ticket."""
    wanted, held = aliased(AdmissionClaim), aliased(AdmissionClaim)
    query = (
        select(AdmissionTicket.run_id)
        .join(held, held.ticket_id == AdmissionTicket.id)
        .join(wanted, wanted.restic_repository_id == held.restic_repository_id)
        .where(
            wanted.ticket_id == ticket_id,
            AdmissionTicket.id != ticket_id,
            AdmissionTicket.state == TicketState.GRANTED,
            or_(wanted.mode == ClaimMode.EXCLUSIVE, held.mode == ClaimMode.EXCLUSIVE),
        )
        .distinct()
    )
    return (await session.scalars(query)).all()


def _named() -> Select[Run, str, str | None]:
    return (
        select(Run, Agent.name, Job.name)
        .join(Agent, Agent.id == Run.agent_id)
        .outerjoin(Job, Job.id == Run.job_id)
    )
