"""Ordering work from an agent, as a workflow sees it: attempts, retries, cancellation.

`carry_out` gives back the outcome of the last attempt. An attempt that failed for a passing reason (the agent
was restarted, the repository could not be reached) is repeated, at most `ATTEMPTS` times; one that failed because
the repository is full as often as `WHEN_FULL` says. While it waits for room it needs no ticket, and others may have
theirs: to forget old snapshots, say, which makes room.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from sbs_server.admission.steps import SharedTicket
from sbs_server.agents.order_types import REPOSITORY_FULL, Abandonment, CommandOutcome, Order, Retry, Trouble
from sbs_server.kit.workflows import STEADY, STEP_TIMEOUT

with workflow.unsafe.imports_passed_through():
    from sbs_server.agents.activities import OrderActivities

ATTEMPTS = 5
_LONGEST_PAUSE = timedelta(minutes=10)
# Runs that began before it keep their ticket: a patch marker, see `kit.workflows`.
_NO_TICKET_WHILE_FULL = "no-ticket-while-full"


@dataclass(frozen=True, slots=True)
class Patience:
    """How often an order is given in all, and the first pause; each further one is three times as long."""

    attempts: int
    first_pause: timedelta

    def pause_after(self, attempt: int) -> timedelta:
        factor: int = 3 ** (attempt - 1)
        return min(self.first_pause * factor, _LONGEST_PAUSE)


_USUAL = Patience(ATTEMPTS, timedelta(seconds=5))
# Somebody has to come and make room: about an hour. The schedule's next run is the next chance.
WHEN_FULL = Patience(10, timedelta(seconds=30))

# How long is too long is decided by the activity alone, from what the agent last said: an agent may be away for
# weeks, and a first backup may take them. The heartbeat only has the activity look at the row again.
_FOR_EVER = timedelta(days=3650)
_HEARTBEAT = timedelta(seconds=60)
_LOOK_AGAIN = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=1.5, maximum_interval=timedelta(seconds=5)
)


async def carry_out(order: Order, stop: asyncio.Event, ticket: SharedTicket) -> CommandOutcome:
    """Has the agent do it, again where that makes sense. `stop`: somebody wants it cancelled.

    `ticket` is held when this begins; in the end, also if it fails, this piece of work has left it.
    """
    try:
        return await _carry_out(order, stop, ticket)
    finally:
        await ticket.leave()


async def _carry_out(order: Order, stop: asyncio.Event, ticket: SharedTicket) -> CommandOutcome:
    attempt = 1
    while True:
        if stop.is_set():
            return CommandOutcome(result="cancelled")
        outcome = await _attempt(order.numbered(attempt), stop)
        code = outcome.problem.code if outcome.problem is not None else ""
        patience = WHEN_FULL if code == REPOSITORY_FULL else _USUAL
        if not outcome.is_retryable or attempt >= patience.attempts or stop.is_set():
            return outcome
        pause = patience.pause_after(attempt)
        retry = Retry(order.organization_id, order.run_id, attempt + 1, pause.total_seconds(), code)
        await _note_retry(retry)
        await _pause(pause, stop, ticket, without_ticket=code == REPOSITORY_FULL)
        attempt += 1


async def _pause(
    pause: timedelta, stop: asyncio.Event, ticket: SharedTicket, *, without_ticket: bool
) -> None:
    """Until it is over, or `stop` is set. Afterwards the ticket is held again, unless `stop` is set."""
    gives_back = without_ticket and workflow.patched(_NO_TICKET_WHILE_FULL)
    if gives_back:
        await ticket.pause()
    with contextlib.suppress(TimeoutError):
        await workflow.wait_condition(stop.is_set, timeout=pause)
    if gives_back:
        await ticket.resume()


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
