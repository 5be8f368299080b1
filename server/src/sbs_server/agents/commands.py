"""The `command` table: one row for each piece of an agent's work, the truth about it."""

from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_protocol.events import CommandResult
from sbs_server.agents.order_types import CommandOutcome, Order, Trouble
from sbs_server.messaging import outbox
from sbs_server.models import Command, CommandState, OutboxKind


async def order(session: AsyncSession, order: Order, workflow_id: str) -> Command:
    """The row of this attempt: written and handed to the relay if it is new, as it stands if not."""
    row = await session.get(Command, order.command_id, with_for_update=True)
    if row is not None and row.attempt >= order.attempt:
        return row
    if row is None:
        row = Command(
            id=order.command_id,
            organization_id=UUID(hex=order.organization_id),
            agent_id=UUID(hex=order.agent_id),
            run_id=UUID(hex=order.run_id),
            restic_repository_id=UUID(hex=order.restic_repository_id),
            workflow_id=workflow_id,
        )
        session.add(row)
    row.attempt, row.body, row.activity_id = order.attempt, order.body, order.activity_id
    row.state, row.outcome, row.ordered_at = CommandState.OPEN, None, func.now()
    row.accepted_at = row.started_at = row.first_progress_at = row.finished_at = None
    row.last_heard_at = row.cancel_requested_at = None
    row.warnings = 0
    await session.flush()
    await session.refresh(row)
    await publish(session, row)
    return row


async def publish(session: AsyncSession, row: Command) -> None:
    """Has the relay put the command on its agent's subject (again)."""
    payload = {"agent_id": row.agent_id.hex, "command_id": row.id, "attempt": row.attempt}
    aggregate = f"command:{row.id}"
    await outbox.put(session, OutboxKind.COMMAND, aggregate, payload, row.organization_id)


async def cancel(session: AsyncSession, command_id: str) -> Command | None:
    """Asks the agent to stop; gives back the row if the command ended by that.

    A command that no agent has accepted yet ends here: its secrets are refused from now on, so that an agent
    which gets the message later can't begin.
    """
    row = await session.get(Command, command_id, with_for_update=True)
    if row is None or row.state == CommandState.FINISHED:
        return None
    if row.state == CommandState.OPEN:
        row.state, row.finished_at = CommandState.FINISHED, func.now()
        row.outcome = {"result": CommandResult.CANCELLED.value}
        return row
    if row.cancel_requested_at is None:
        row.cancel_requested_at = func.now()
        await publish_cancel(session, row)
    return None


async def publish_cancel(session: AsyncSession, row: Command) -> None:
    """Has the relay tell the agent to stop this command."""
    payload = {"agent_id": row.agent_id.hex, "command_id": row.id, "attempt": row.attempt, "cancel": True}
    await outbox.put(session, OutboxKind.COMMAND, f"command:{row.id}", payload, row.organization_id)


async def publish_final(session: AsyncSession, row: Command) -> None:
    """Has the relay tell the agent that a command which has ended gets no further attempt.

    What a failed restore keeps in its target for one is removed then.
    """
    payload = {"agent_id": row.agent_id.hex, "command_id": row.id, "attempt": row.attempt}
    payload |= {"cancel": True, "final": True}
    await outbox.put(session, OutboxKind.COMMAND, f"command:{row.id}", payload, row.organization_id)


def outcome_of(stored: dict[str, Any]) -> CommandOutcome:
    """What a workflow decides by, from the agent's whole message."""
    problem = stored.get("problem")
    return CommandOutcome(
        result=CommandResult(stored["result"]).value,
        problem=None
        if problem is None
        else Trouble(problem["code"], problem["message"], bool(problem["retryable"])),
        restic_exit_code=stored.get("restic_exit_code"),
        warnings_total=stored.get("warnings_total", 0),
        backup=stored.get("backup"),
        restore=stored.get("restore"),
        finished_at=stored.get("finished_at"),
    )
