"""An agent's hello: what it is now, and what it has and has not of its commands."""

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_protocol import OLDEST_SUPPORTED_VERSION
from sbs_protocol.events import Hello
from sbs_server.agents import abandonment, commands
from sbs_server.messaging import outbox
from sbs_server.messaging.events import Incoming
from sbs_server.models import Agent, Command, CommandState, Run, RunState

log = structlog.get_logger()

_SHORT, _LONG = 255, 2000
_MOST_CAPABILITIES = 100
_MOST_UNFINISHED = 1000


async def greet(session: AsyncSession, incoming: Incoming, body: Hello) -> None:
    """Notes what the agent is, and has sent again what it does not have."""
    if await _describe(session, incoming, body):
        await _tell_changed(session, incoming)
    has = {(one.command_id, one.attempt) for one in body.open_commands}
    await abandonment.settle(session, incoming.agent_id, still_has=has)
    if body.protocol < OLDEST_SUPPORTED_VERSION:
        await _say_outdated(session, incoming, body)
        return
    query = (
        select(Command)
        .where(Command.agent_id == incoming.agent_id, Command.state != CommandState.FINISHED)
        .order_by(Command.ordered_at, Command.id)
        .with_for_update()
    )
    for command in (await session.scalars(query)).all():
        if (command.id, command.attempt) in has:
            command.last_heard_at = func.now()
        else:
            log.info("command_sent_again", agent=incoming.agent_id.hex, command=command.id)
            await commands.publish(session, command)
        if command.cancel_requested_at is not None:
            await commands.publish_cancel(session, command)
    await _settle_restores(session, incoming, body)
    await session.flush()


async def _settle_restores(session: AsyncSession, incoming: Incoming, body: Hello) -> None:
    """Tells the agent which of the restores that it keeps files for get no further attempt."""
    if not body.unfinished_restores:
        return
    query = (
        select(Command)
        .join(Run, Run.id == Command.run_id)
        .where(
            Command.agent_id == incoming.agent_id,
            Command.id.in_(body.unfinished_restores[:_MOST_UNFINISHED]),
            Command.state == CommandState.FINISHED,
            Run.state.in_([state for state in RunState if state.is_final]),
        )
        .order_by(Command.id)
    )
    for command in (await session.scalars(query)).all():
        await commands.publish_final(session, command)


async def _describe(session: AsyncSession, incoming: Incoming, body: Hello) -> bool:
    """Writes down what the agent says of itself; gives back whether that is new."""
    said = {
        "agent_version": body.agent_version[:_SHORT],
        "protocol_version": body.protocol,
        "restic_version": body.restic_version and body.restic_version[:_SHORT],
        "restic_problem": body.restic_problem and body.restic_problem[:_LONG],
        "capabilities": [name[:_SHORT] for name in body.capabilities[:_MOST_CAPABILITIES]],
        "hostname": body.hostname[:_SHORT],
        "os": body.os[:_SHORT],
        "os_version": body.os_version[:_SHORT],
        "arch": body.arch[:_SHORT],
        "boot_id": body.boot_id[:_SHORT],
    }
    columns = [getattr(Agent, name) for name in said]
    before = (await session.execute(select(*columns).where(Agent.id == incoming.agent_id))).one_or_none()
    statement = update(Agent).where(Agent.id == incoming.agent_id)
    await session.execute(statement.values(**said, last_seen_at=func.now()))
    return before is not None and before._asdict() != said


async def _tell_changed(session: AsyncSession, incoming: Incoming) -> None:
    data = {"agent_id": incoming.agent_id.hex}
    aggregate = f"agent:{incoming.agent_id.hex}"
    await outbox.event(session, incoming.organization_id, aggregate, "agent.changed.v1", data)


async def _say_outdated(session: AsyncSession, incoming: Incoming, body: Hello) -> None:
    """Its row shows the version; it gets no commands that it would misread."""
    log.warning("agent_outdated", agent=incoming.agent_id.hex, protocol=body.protocol)
    data = {
        "agent_id": incoming.agent_id.hex,
        "protocol": body.protocol,
        "oldest_supported": OLDEST_SUPPORTED_VERSION,
    }
    aggregate = f"agent:{incoming.agent_id.hex}"
    await outbox.event(session, incoming.organization_id, aggregate, "agent.outdated.v1", data)
