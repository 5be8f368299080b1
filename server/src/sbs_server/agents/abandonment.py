"""Giving up on a command although restic may still be at work, and learning later that it is not.

A run whose agent falls silent ends and gives its ticket back. The restic repository is quarantined in the same
transaction: the gateway refuses the agent, new runs end with `repository_quarantined`, retention passes it over.
That is lifted when the command's end comes in, when the agent's hello does not list the command any more, or when
the agent is revoked. A command of another agent, which only restores from that repository, quarantines nothing:
the gateway lets it write no data there, and its owner's backups must not wait for a machine that is switched off.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_protocol.events import CommandResult
from sbs_server.agents import commands
from sbs_server.agents.order_types import Trouble
from sbs_server.audit.service import Actor, record
from sbs_server.messaging import outbox
from sbs_server.models import (
    Agent,
    AgentState,
    Command,
    CommandState,
    ResticRepository,
    ResticRepositoryState,
)

log = structlog.get_logger()

REASON = "an agent fell silent and restic may still be at work; lifted as soon as the agent reports"


async def abandon(session: AsyncSession, command_id: str, trouble: Trouble) -> None:
    """Nobody waits for this command any more, for the reason given; doing it again changes nothing.

    A command that the agent never took, or that is a revoked agent's (the gateway refuses it), simply ends.
    """
    row = await session.get(Command, command_id, with_for_update=True)
    if row is None or row.state in {CommandState.ABANDONED, CommandState.FINISHED}:
        return
    agent = await session.get_one(Agent, row.agent_id)
    if row.state == CommandState.OPEN or agent.state == AgentState.REVOKED:
        _end(row, trouble)
        return
    row.state = CommandState.ABANDONED
    row.cancel_requested_at = func.coalesce(Command.cancel_requested_at, func.now())
    await session.flush()
    await commands.publish_cancel(session, row)
    await _quarantine(session, row)


async def settle(
    session: AsyncSession, agent_id: UUID, *, still_has: Collection[tuple[str, int]] = ()
) -> None:
    """Ends the agent's abandoned commands (id, attempt) that can do no harm any more: all but those it still has."""
    query = (
        select(Command)
        .where(Command.agent_id == agent_id, Command.state == CommandState.ABANDONED)
        .order_by(Command.ordered_at, Command.id)
        .with_for_update()
    )
    for row in (await session.scalars(query)).all():
        if (row.id, row.attempt) not in still_has:
            _end(
                row, Trouble("agent_silent", "the agent fell silent, and does not have the command any more")
            )
            await lift(session, row)


async def lift(session: AsyncSession, row: Command) -> None:
    """Ends the quarantine that this command caused, unless another one still needs it."""
    await session.flush()
    # Locked first: of two commands that end at the same time, the later one sees the earlier one's end.
    repository = await session.get_one(ResticRepository, row.restic_repository_id, with_for_update=True)
    if repository.state != ResticRepositoryState.QUARANTINED or repository.state_reason != REASON:
        return
    others = select(Command.id).where(
        Command.restic_repository_id == repository.id,
        Command.agent_id == repository.agent_id,
        Command.state == CommandState.ABANDONED,
    )
    if (await session.scalars(others)).first() is None:
        repository.state, repository.state_reason = ResticRepositoryState.READY, None
        await _tell(session, repository, row, "released")


async def _quarantine(session: AsyncSession, row: Command) -> None:
    repository = await session.get_one(ResticRepository, row.restic_repository_id, with_for_update=True)
    if repository.agent_id == row.agent_id and repository.state == ResticRepositoryState.READY:
        repository.state, repository.state_reason = ResticRepositoryState.QUARANTINED, REASON
        await _tell(session, repository, row, "quarantined")


def _end(row: Command, trouble: Trouble) -> None:
    problem = {"code": trouble.code, "message": trouble.message, "retryable": False}
    row.state, row.finished_at = CommandState.FINISHED, func.now()
    row.outcome = {"result": CommandResult.FAILED.value, "problem": problem}


async def _tell(session: AsyncSession, repository: ResticRepository, row: Command, what: str) -> None:
    organization_id, kind = repository.organization_id, f"restic_repository.{what}"
    log.warning(kind, restic_repository=repository.id.hex, command=row.id)
    await session.flush()
    data: dict[str, Any] = {
        "restic_repository_id": repository.id.hex,
        "repository_id": repository.repository_id.hex,
        "command_id": row.id,
    }
    await outbox.event(session, organization_id, f"restic_repository:{repository.id.hex}", f"{kind}.v1", data)
    target = ("restic_repository", str(repository.id))
    actor = Actor("system", "agents")
    await record(session, organization_id, actor, kind, target=target, details={"command_id": row.id})
