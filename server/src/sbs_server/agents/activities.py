"""Ordering work from agents: the side of it that touches database and bus.

The row in `command` is the truth. `order` writes it and leaves; `bus` completes the activity when the agent's
result comes in. Whenever an attempt at the activity is repeated it looks at the row first, so a lost completion
loses nothing.
"""

import time
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError

from sbs_protocol import OLDEST_SUPPORTED_VERSION
from sbs_server.agents import abandonment, commands
from sbs_server.agents.order_types import REPOSITORY_FULL, Abandonment, CommandOutcome, Order, Retry
from sbs_server.kit.db.session import Database
from sbs_server.messaging.followups import ActivityBridge, WaitingActivity
from sbs_server.models import (
    Agent,
    AgentState,
    Command,
    CommandState,
    ResticRepository,
    ResticRepositoryState,
    Run,
    RunState,
)
from sbs_server.runs.lifecycle import changed

# After our own start agents need a moment to come back and speak, before anybody may call them silent.
_EARS_AFTER = timedelta(minutes=5)


class OrderActivities:
    def __init__(
        self,
        database: Database,
        bridge: ActivityBridge,
        *,
        silence_deadline: timedelta,
        accept_deadline: timedelta,
        ears_after: timedelta = _EARS_AFTER,
    ) -> None:
        """`ears_after`: no agent is called silent for so long after the start of this process."""
        self._ears_from = time.monotonic() + ears_after.total_seconds()
        self._database = database
        self._bridge = bridge
        self._silence_deadline = silence_deadline
        self._accept_deadline = accept_deadline

    @activity.defn(name="agents.order")
    async def order(self, order: Order) -> CommandOutcome:
        """Orders the work and waits, without holding anything, until `bus` reports its end."""
        outcome = await self._ordered(order)
        if outcome is None:
            activity.raise_complete_async()
        return outcome

    async def _ordered(self, order: Order) -> CommandOutcome | None:
        async with self._database.transaction(UUID(hex=order.organization_id)) as session:
            agent = await _usable_agent(session, order)
            row = await commands.order(session, order, activity.info().workflow_id or "")
            if row.state == CommandState.FINISHED and row.outcome is not None:
                return commands.outcome_of(row.outcome)
            if row.state == CommandState.OPEN:
                await _check_repository(session, order)
            await self._check_silence(session, row, agent)
        return None

    @activity.defn(name="agents.cancel")
    async def cancel(self, order: Order) -> None:
        """Tells the agent to stop; a command that no agent has taken yet ends at once.

        Raises ApplicationError (retried) while the attempt is not written yet: a cancellation can overtake it.
        """
        async with self._database.transaction(UUID(hex=order.organization_id)) as session:
            row = await session.get(Command, order.command_id)
            if row is None or row.attempt < order.attempt:
                raise ApplicationError("the order is still being written", type="not_ordered_yet")
            ended = await commands.cancel(session, order.command_id)
        if ended is not None and ended.outcome is not None:
            waiting = WaitingActivity(ended.workflow_id, ended.activity_id)
            await self._bridge.complete(waiting, ended.outcome)

    @activity.defn(name="agents.abandon")
    async def abandon(self, given: Abandonment) -> None:
        """Gives up on a command. What the agent may still be writing to is quarantined until it reports."""
        async with self._database.transaction(UUID(hex=given.organization_id)) as session:
            await abandonment.abandon(session, given.command_id, given.trouble)

    @activity.defn(name="agents.note_retry")
    async def note_retry(self, retry: Retry) -> None:
        """Shows on the run that it is waiting for its next attempt, and until when."""
        async with self._database.transaction(UUID(hex=retry.organization_id)) as session:
            run = await session.get_one(Run, UUID(hex=retry.run_id))
            run.waiting_for = REPOSITORY_FULL if retry.code == REPOSITORY_FULL else "retry"
            run.state = RunState.WAITING
            run.retry_at = func.now() + timedelta(seconds=retry.pause_s)
            run.attempt = retry.next_attempt
            await session.flush()
            await changed(session, run)

    async def _check_silence(self, session: AsyncSession, row: Command, agent: Agent) -> None:
        taken = row.state != CommandState.OPEN
        heard = (row.last_heard_at or row.accepted_at or row.ordered_at) if taken else row.ordered_at
        deadline = self._silence_deadline if taken else self._accept_deadline
        now = await session.scalar(select(func.now()))
        if now is None or now - heard <= deadline:
            return
        if not taken or self._we_had_ears(agent, heard + deadline):
            code = "agent_silent" if taken else "agent_offline"
            minutes = int(deadline.total_seconds() // 60)
            raise ApplicationError(
                f"nothing was heard from the agent for {minutes} minutes", type=code, non_retryable=True
            )

    def _we_had_ears(self, agent: Agent, since: datetime) -> bool:
        """Whether the silence is the agent's: our own outage must not end the runs of healthy agents.

        `bus` vouches for it: it has marked the agent as gone, or has heard of it after the deadline.
        """
        if time.monotonic() < self._ears_from:
            return False
        return not agent.connected or (agent.last_seen_at is not None and agent.last_seen_at > since)


async def _usable_agent(session: AsyncSession, order: Order) -> Agent:
    agent = await session.get_one(Agent, UUID(hex=order.agent_id))
    if agent.state == AgentState.REVOKED:
        raise ApplicationError("the agent's access was revoked", type="agent_revoked", non_retryable=True)
    if agent.protocol_version < OLDEST_SUPPORTED_VERSION:
        text = f"the agent speaks protocol {agent.protocol_version}, too old to be understood: update it"
        raise ApplicationError(text, type="agent_outdated", non_retryable=True)
    return agent


async def _check_repository(session: AsyncSession, order: Order) -> None:
    """It may have been quarantined since the run was prepared."""
    repository = await session.get_one(ResticRepository, UUID(hex=order.restic_repository_id))
    if repository.state == ResticRepositoryState.QUARANTINED:
        reason = repository.state_reason or "the repository is quarantined"
        raise ApplicationError(reason, type="repository_quarantined", non_retryable=True)
