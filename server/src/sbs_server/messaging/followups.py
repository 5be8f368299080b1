"""What follows an event once its transaction is committed: towards Temporal, and for an agent's consumer.

All of it may be done twice: a redelivered event does it again.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from temporalio.client import AsyncActivityCancelledError, Client
from temporalio.service import RPCError, RPCStatusCode

from sbs_server.messaging.pace import CALL_TIMEOUT

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WaitingActivity:
    """The activity that waits for an agent's answer."""

    workflow_id: str
    activity_id: str


@dataclass(frozen=True, slots=True)
class Complete:
    """The agent has answered; `outcome` is sbs_protocol.events.CommandFinished as JSON."""

    activity: WaitingActivity
    outcome: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Beat:
    """The agent is at it."""

    activity: WaitingActivity


@dataclass(frozen=True, slots=True)
class MakeConsumer:
    """The agent has come: it needs its command consumer."""

    agent_id: UUID


FollowUp = Complete | Beat | MakeConsumer


class ActivityBridge:
    """Speaks for agents towards Temporal. Errors of its methods: RPCError, RuntimeError (no connection yet)."""

    def __init__(self, temporal: Client) -> None:
        self._temporal = temporal

    async def complete(self, activity: WaitingActivity, outcome: dict[str, Any]) -> None:
        """An activity that is not there (any more) reads the outcome from the command's row instead."""
        handle = self._temporal.get_async_activity_handle(
            workflow_id=activity.workflow_id, run_id=None, activity_id=activity.activity_id
        )
        try:
            await handle.complete(outcome, rpc_timeout=CALL_TIMEOUT)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            log.info("activity_not_waiting", activity=activity.activity_id)

    async def beat(self, activity: WaitingActivity) -> bool:
        """Whether the activity is asked to stop."""
        handle = self._temporal.get_async_activity_handle(
            workflow_id=activity.workflow_id, run_id=None, activity_id=activity.activity_id
        )
        try:
            await handle.heartbeat(rpc_timeout=CALL_TIMEOUT)
        except AsyncActivityCancelledError as error:
            # Also raised for a paused or reset activity; only a cancellation concerns the agent.
            return error.details is None or error.details.cancel_requested
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
        return False


class FollowUps:
    """`make_consumer` makes an agent's command consumer."""

    def __init__(self, bridge: ActivityBridge, make_consumer: Callable[[UUID], Awaitable[None]]) -> None:
        self._bridge = bridge
        self._make_consumer = make_consumer

    async def carry_out(self, follow_ups: Sequence[FollowUp]) -> None:
        """In order. Errors: RPCError, RuntimeError, nats.errors.Error, NotConnectedError."""
        for one in follow_ups:
            match one:
                case Complete(activity=activity, outcome=outcome):
                    await self._bridge.complete(activity, outcome)
                case Beat(activity=activity):
                    await self._beat(activity)
                case MakeConsumer(agent_id=agent_id):
                    await self._make_consumer(agent_id)

    async def _beat(self, activity: WaitingActivity) -> None:
        # The agent's next heartbeat says it again, and looks for a cancellation; no reason to hold up an event.
        try:
            await self._bridge.beat(activity)
        except (RPCError, RuntimeError) as error:
            log.info("activity_beat_failed", activity=activity.activity_id, reason=type(error).__name__)
