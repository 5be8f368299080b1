"""Queries of agents, their certificates and enrolment tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.agents.schemas import AgentSort
from sbs_server.kit.http.pages import PageRequest
from sbs_server.kit.http.sorting import Order, SortedPage
from sbs_server.models import Agent, AgentCertificate, AgentState, EnrolmentToken, HandledMessage

_USE_TOKEN = text("SELECT organization_id, token_id, problem FROM enrolment_token_use(:secret_sha256)")


class Standing(Enum):
    """How a certificate stands that was issued by us."""

    GOOD = auto()
    REVOKED = auto()


@dataclass(frozen=True, slots=True)
class TokenUse:
    """What became of an enrolment token: used now if there is no `problem`."""

    organization_id: UUID | None
    token_id: UUID | None
    problem: str | None


# Agents that were never seen come last in both directions.
NEVER = {
    AgentSort.LAST_SEEN: datetime(1, 1, 2, tzinfo=UTC),
    AgentSort.LAST_SEEN_UP: datetime(9999, 12, 30, tzinfo=UTC),
}
_ORDERS = {
    AgentSort.NEWEST: Order(Agent.created_at, Agent.id, "time", descending=True),
    AgentSort.OLDEST: Order(Agent.created_at, Agent.id, "time", descending=False),
    AgentSort.NAME: Order(Agent.name, Agent.id, "text", descending=False),
    AgentSort.NAME_DOWN: Order(Agent.name, Agent.id, "text", descending=True),
    AgentSort.LAST_SEEN: Order(
        func.coalesce(Agent.last_seen_at, NEVER[AgentSort.LAST_SEEN]), Agent.id, "time", descending=True
    ),
    AgentSort.LAST_SEEN_UP: Order(
        func.coalesce(Agent.last_seen_at, NEVER[AgentSort.LAST_SEEN_UP]), Agent.id, "time", descending=False
    ),
}


@dataclass(frozen=True, slots=True)
class AgentFilter:
    """Which agents are wanted; None: no matter."""

    state: AgentState | None = None
    name: str | None = None
    search: str | None = None
    connected: bool | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        wanted: list[ColumnElement[bool]] = []
        if self.state is not None:
            wanted.append(Agent.state == self.state)
        if self.name:
            wanted.append(Agent.name.icontains(self.name, autoescape=True))
        if self.search:
            columns = (Agent.name, Agent.hostname)
            wanted.append(or_(*(column.icontains(self.search, autoescape=True) for column in columns)))
        if self.connected is not None:
            wanted.append(Agent.connected.is_(self.connected))
        return wanted


async def page(session: AsyncSession, wanted: AgentFilter, paging: SortedPage[AgentSort]) -> list[Agent]:
    """One row more than asked for, sorted."""
    statement = paging.apply(select(Agent).where(*wanted.conditions()), _ORDERS)
    return list((await session.scalars(statement)).all())


def place(agent: Agent, sort: AgentSort) -> tuple[Any, UUID]:
    """Where an agent stands in that order."""
    match sort:
        case AgentSort.NAME | AgentSort.NAME_DOWN:
            return agent.name, agent.id
        case AgentSort.LAST_SEEN | AgentSort.LAST_SEEN_UP:
            return agent.last_seen_at or NEVER[sort], agent.id
        case _:
            return agent.created_at, agent.id


async def get(session: AsyncSession, agent_id: UUID) -> Agent | None:
    return await session.get(Agent, agent_id)


async def locked(session: AsyncSession, agent_id: UUID) -> Agent | None:
    """The row, locked for an edit."""
    return await session.get(Agent, agent_id, with_for_update=True, populate_existing=True)


async def certificate_ends(session: AsyncSession, agent_ids: Sequence[UUID]) -> dict[UUID, Any]:
    """For each agent when the newest of its certificates ends that is not revoked."""
    statement = (
        select(AgentCertificate.agent_id, func.max(AgentCertificate.not_after).label("end"))
        .where(AgentCertificate.agent_id.in_(agent_ids), AgentCertificate.revoked_at.is_(None))
        .group_by(AgentCertificate.agent_id)
    )
    return {row.agent_id: row.end for row in await session.execute(statement)}


async def rename(session: AsyncSession, agent: Agent, name: str) -> bool:
    """False if the name is taken; nothing has changed then."""
    try:
        async with session.begin_nested():
            agent.name = name
            agent.version += 1
            await session.flush()
    except IntegrityError:
        return False
    await session.refresh(agent)
    return True


async def revoke_certificates(session: AsyncSession, agent_id: UUID) -> None:
    await session.execute(
        update(AgentCertificate)
        .where(AgentCertificate.agent_id == agent_id, AgentCertificate.revoked_at.is_(None))
        .values(revoked_at=func.now())
    )


async def standing(session: AsyncSession, agent_id: UUID, serial: str) -> Standing | None:
    """How a certificate stands; None if it is not in the books."""
    statement = (
        select(Agent.state, AgentCertificate.revoked_at)
        .join(AgentCertificate, AgentCertificate.agent_id == Agent.id)
        .where(Agent.id == agent_id, AgentCertificate.serial == serial)
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    return Standing.GOOD if row.state is AgentState.ACTIVE and row.revoked_at is None else Standing.REVOKED


async def certificate_for(
    session: AsyncSession, csr_sha256: bytes, agent_id: UUID | None = None
) -> AgentCertificate | None:
    """The good certificate issued for that request before, to that agent (None: to any)."""
    statement = (
        select(AgentCertificate)
        .join(Agent, AgentCertificate.agent_id == Agent.id)
        .where(
            AgentCertificate.csr_sha256 == csr_sha256,
            AgentCertificate.revoked_at.is_(None),
            AgentCertificate.not_after > func.now(),
            Agent.state == AgentState.ACTIVE,
        )
        .order_by(AgentCertificate.id.desc())
        .limit(1)
    )
    if agent_id is not None:
        statement = statement.where(AgentCertificate.agent_id == agent_id)
    return (await session.scalars(statement)).one_or_none()


async def add_certificate(session: AsyncSession, values: dict[str, Any]) -> bool:
    """False if the agent has one for that request already."""
    statement = insert(AgentCertificate).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["agent_id", "csr_sha256"])
    return (await session.execute(statement.returning(AgentCertificate.id))).first() is not None


async def add_agent(session: AsyncSession, values: dict[str, Any]) -> bool:
    """False if the name is taken."""
    statement = insert(Agent).values(**values)
    statement = statement.on_conflict_do_nothing(index_elements=["organization_id", "name"])
    return (await session.execute(statement.returning(Agent.id))).first() is not None


async def names_like(session: AsyncSession, base: str) -> set[str]:
    """The names that begin with `base`."""
    return set(
        (await session.scalars(select(Agent.name).where(Agent.name.startswith(base, autoescape=True)))).all()
    )


async def use_token(session: AsyncSession, secret_sha256: bytes) -> TokenUse:
    """Uses a token once, whoever's it is; the row stays locked until the transaction ends."""
    row = (await session.execute(_USE_TOKEN, {"secret_sha256": secret_sha256})).one()
    return TokenUse(row.organization_id, row.token_id, row.problem)


async def tokens(session: AsyncSession, paging: PageRequest) -> list[EnrolmentToken]:
    """One row more than asked for, newest first."""
    return list((await session.scalars(_slice(select(EnrolmentToken), EnrolmentToken.id, paging))).all())


async def token(session: AsyncSession, token_id: UUID, *, lock: bool = False) -> EnrolmentToken | None:
    return await session.get(EnrolmentToken, token_id, with_for_update=lock)


async def first_time(session: AsyncSession, organization_id: UUID, agent_id: UUID, message_id: str) -> bool:
    """Remembers that this agent did that; True if it is the first time."""
    values = {"organization_id": organization_id, "agent_id": agent_id, "message_id": message_id}
    statement = insert(HandledMessage).values(**values).on_conflict_do_nothing()
    return (await session.execute(statement.returning(HandledMessage.message_id))).first() is not None


def _slice(statement: Select[Any], key: Any, paging: PageRequest) -> Select[Any]:
    if paging.after is not None:
        statement = statement.where(key < paging.after)
    return statement.order_by(key.desc()).limit(paging.limit + 1)
