"""Ordering work from an agent, as a workflow sees it: attempts, retries, cancellation.

`carry_out` gives back the outcome of the last attempt. An attempt that failed for a passing reason (the agent
was restarted, the repository could not be reached) is repeated, at most `ATTEMPTS` times.
"""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from sbs_server.agents.order_types import Abandonment, CommandOutcome, Order, Retry, Trouble
from sbs_server.kit.workflows import STEADY, STEP_TIMEOUT

with workflow.unsafe.imports_passed_through():
    from sbs_server.agents.activities import OrderActivities

ATTEMPTS = 5
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=10)

# How long is too long is decided by the activity alone, from what the agent last said: an agent may be away for
# weeks, and a first backup may take them. The heartbeat only has the activity look at the row again.
_FOR_EVER = timedelta(days=3650)
_HEARTBEAT = timedelta(seconds=60)
_LOOK_AGAIN = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=1.5, maximum_interval=timedelta(seconds=5)
)


async def carry_out(order: Order, stop: asyncio.Event) -> CommandOutcome:
    """Has the agent do it, again where that makes sense. `stop`: somebody wants it cancelled."""
    pause, attempt = _FIRST_PAUSE, 1
    while True:
        if stop.is_set():
            return CommandOutcome(result="cancelled")
        outcome = await _attempt(order.numbered(attempt), stop)
        if not outcome.is_retryable or attempt == ATTEMPTS or stop.is_set():
            return outcome
        await _note_retry(Retry(order.organization_id, order.run_id, attempt + 1, pause.total_seconds()))
        try:
            await workflow.wait_condition(stop.is_set, timeout=pause)
        except TimeoutError:
            pause, attempt = min(pause * 3, _LONGEST_PAUSE), attempt + 1


async def _attempt(order: Order, stop: asyncio.Event) -> CommandOutcome:
    waiting = workflow.start_activity_method(
        OrderActivities.order,
        order,
        activity_id=order.activity_id,
        start_to_close_timeout=_FOR_EVER,
        heartbeat_timeout=_HEARTBEAT,
        retry_policy=_LOOK_AGAIN,
    )
    stopping = asyncio.create_task(_cancel_when(stop, order))
    try:
        return await waiting
    except ActivityError as error:
        trouble = _trouble(error)
        await _abandon(Abandonment(order.organization_id, order.command_id, trouble))
        return CommandOutcome.failed(trouble.code, trouble.message)
    finally:
        stopping.cancel()


async def _cancel_when(stop: asyncio.Event, order: Order) -> None:
    await workflow.wait_condition(stop.is_set)
    await workflow.execute_activity_method(
        OrderActivities.cancel, order, start_to_close_timeout=STEP_TIMEOUT, retry_policy=STEADY
    )


async def _note_retry(retry: Retry) -> None:
    await workflow.execute_activity_method(
        OrderActivities.note_retry, retry, start_to_close_timeout=STEP_TIMEOUT, retry_policy=STEADY
    )


async def _abandon(abandonment: Abandonment) -> None:
    await workflow.execute_activity_method(
        OrderActivities.abandon, abandonment, start_to_close_timeout=STEP_TIMEOUT, retry_policy=STEADY
    )


def _trouble(error: ActivityError) -> Trouble:
    """Why there is no result: the agent was silent for too long, or the order itself was refused."""
    cause = error.cause
    if isinstance(cause, ApplicationError):
        return Trouble(cause.type or "internal", cause.message)
    return Trouble("agent_silent", "the agent did not report a result in time")
