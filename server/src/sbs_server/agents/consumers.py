"""What an agent's events do, in the transaction in which they are handled.

Events may come twice, late, or about an attempt that is over. States only move forward; what belongs to an older
attempt, or to a command that is not the agent's, changes nothing.
"""

from collections.abc import Sequence

import structlog
from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_protocol.events import (
    CommandAccepted,
    CommandFinished,
    CommandStarted,
    CommandWarnings,
    Hello,
)
from sbs_server.agents import abandonment, hello, warnings
from sbs_server.messaging.events import Incoming
from sbs_server.messaging.followups import Beat, Complete, FollowUp, MakeConsumer, WaitingActivity
from sbs_server.models import Command, CommandState, Run, RunAttempt, RunState, RunTarget
from sbs_server.runs.lifecycle import changed

log = structlog.get_logger()

_About = CommandAccepted | CommandStarted | CommandWarnings | CommandFinished


async def handle_event(session: AsyncSession, incoming: Incoming, first: bool) -> Sequence[FollowUp]:
    """Handles one event; gives back what follows once this transaction is committed.

    `first` is False for an event that was handled before: then nothing is written, only what follows is said
    again, because nobody knows how far the first time got.
    """
    body = incoming.event.body
    if isinstance(body, Hello):
        if first:
            await hello.greet(session, incoming, body)
        return [MakeConsumer(incoming.agent_id)]
    command = await _command(session, incoming, body)
    if command is None:
        return []
    match body:
        case CommandFinished():
            if first and command.state != CommandState.FINISHED:
                await _finished(session, command, body)
            return _completion(command)
        case CommandWarnings() if first:
            await warnings.store(session, command, body)
        case CommandAccepted() if first:
            await _accepted(session, command)
        case CommandStarted() if first:
            await _started(session, command)
    if command.state == CommandState.FINISHED:
        return []
    return [Beat(WaitingActivity(command.workflow_id, command.activity_id))]


async def _command(session: AsyncSession, incoming: Incoming, body: _About) -> Command | None:
    """The row the event is about, locked; None if the event is of no consequence."""
    command = await session.get(Command, body.command_id, with_for_update=True)
    about = {"agent": incoming.agent_id.hex, "command": body.command_id, "kind": body.kind}
    if command is None or command.agent_id != incoming.agent_id:
        log.warning("event_ignored", reason="no such command of this agent", **about)
        return None
    if body.attempt != command.attempt:
        log.info("event_ignored", reason=f"attempt {body.attempt} is not {command.attempt}", **about)
        return None
    return command


async def _accepted(session: AsyncSession, command: Command) -> None:
    if command.state == CommandState.OPEN:
        command.state = CommandState.ACCEPTED
        command.accepted_at = func.now()
        await changed(session, await session.get_one(Run, command.run_id))
    await _heard(session, command)


async def _started(session: AsyncSession, command: Command) -> None:
    if command.state in {CommandState.OPEN, CommandState.ACCEPTED}:
        command.state = CommandState.RUNNING
        command.accepted_at = func.coalesce(Command.accepted_at, func.now())
        command.started_at = func.now()
        await _run_started(session, command)
    await _heard(session, command)


async def _heard(session: AsyncSession, command: Command) -> None:
    command.last_heard_at = func.now()
    await session.flush()


async def _run_started(session: AsyncSession, command: Command) -> None:
    await session.execute(
        update(RunTarget)
        .where(
            RunTarget.run_id == command.run_id,
            RunTarget.restic_repository_id == command.restic_repository_id,
            RunTarget.state == RunState.WAITING,
        )
        .values(state=RunState.RUNNING)
    )
    run = await session.get(Run, command.run_id, with_for_update=True)
    if run is None or run.state != RunState.WAITING:
        return
    run.state, run.waiting_for, run.retry_at = RunState.RUNNING, None, None
    run.started_at = func.coalesce(Run.started_at, func.now())
    await session.flush()
    await changed(session, run)


async def _finished(session: AsyncSession, command: Command, body: CommandFinished) -> None:
    abandoned = command.state == CommandState.ABANDONED
    command.state, command.outcome = CommandState.FINISHED, body.model_dump(mode="json")
    command.finished_at = func.now()
    await _heard(session, command)
    await session.refresh(command)
    problem = body.problem
    attempt = insert(RunAttempt).values(
        organization_id=command.organization_id,
        run_id=command.run_id,
        restic_repository_id=command.restic_repository_id,
        attempt=command.attempt,
        result=body.result.value,
        error_code=None if problem is None else problem.code.value,
        error_message=None if problem is None else problem.message,
        # By the database's clock; the agent's may say anything.
        ordered_at=command.ordered_at,
        accepted_at=command.accepted_at,
        started_at=command.started_at,
        first_progress_at=command.first_progress_at,
        finished_at=command.finished_at,
    )
    await session.execute(attempt.on_conflict_do_nothing())
    if abandoned:
        await abandonment.lift(session, command)


def _completion(command: Command) -> Sequence[FollowUp]:
    """From the row, not from this message: the first result of an attempt is the one that counts."""
    if command.state != CommandState.FINISHED or command.outcome is None:
        return []
    return [Complete(WaitingActivity(command.workflow_id, command.activity_id), command.outcome)]
