"""When an activity is tried again: for ever if somebody is down, a few times if something is wrong.

Temporal's retry policies can't tell the two apart. A mistake in a step would be repeated for ever, and a run would
hang without anybody knowing; so each failure has its line in the log, and one that is no outage ends the step after
`MOST_ATTEMPTS`, about eight minutes under the policy `STEADY`. What goes to the workflow store is the kind of error
alone: a driver's text may quote what was to be stored.

A step that was cut off by the death of its worker can't fail. Temporal begins it again when its time is over, or,
much sooner, when its signs of life are missing: `SignsOfLife` gives them for every step that has to.
"""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity
from temporalio.exceptions import ApplicationError, FailureError
from temporalio.service import RPCError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from sbs_server.kit.db.failures import is_passing, sqlstate

log = structlog.get_logger()

MOST_ATTEMPTS = 20


class SignsOfLife(Interceptor):
    """For the worker: while a step with a heartbeat timeout is at work, Temporal hears so three times in that time.

    A step that hands its work to somebody else returns at once, and from then on these are theirs to give.
    """

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - its name
        return _Pulse(next)


class _Pulse(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - its name
        within = activity.info().heartbeat_timeout
        if not within:
            return await super().execute_activity(input)
        beating = asyncio.create_task(_beat(within / 3))
        try:
            return await super().execute_activity(input)
        finally:
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating


async def _beat(every: timedelta) -> None:
    while True:
        await asyncio.sleep(every.total_seconds())
        activity.heartbeat()


class Patience(Interceptor):
    """For the worker. `most_attempts`: how often a step may fail without anybody being down."""

    def __init__(self, most_attempts: int = MOST_ATTEMPTS) -> None:
        self._most_attempts = most_attempts

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - its name
        return _Judge(next, self._most_attempts)


class _Judge(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, most_attempts: int) -> None:  # noqa: A002 - its name
        super().__init__(next)
        self._most_attempts = most_attempts

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - its name
        try:
            return await super().execute_activity(input)
        except FailureError:
            raise  # the step has decided itself
        except Exception as error:  # noqa: BLE001 - told in the log, and judged
            raise self._judged(error) from None

    def _judged(self, error: Exception) -> ApplicationError:
        info, kind = activity.info(), type(error).__name__
        about = {"activity": info.activity_type, "workflow": info.workflow_id, "attempt": info.attempt}
        if somebody_is_down(error):
            log.warning("activity_waits", reason=kind, **about)
            return ApplicationError(f"for now: {kind}", type="unavailable")
        lasting = info.attempt >= self._most_attempts
        if isinstance(error, SQLAlchemyError):
            log.error("activity_failed", reason=kind, sqlstate=sqlstate(error), lasting=lasting, **about)
        else:
            log.error("activity_failed", reason=kind, lasting=lasting, exc_info=error, **about)
        return ApplicationError(f"internal error ({kind})", type="internal", non_retryable=lasting)


def somebody_is_down(error: Exception) -> bool:
    """Whether this passes when a server or the network is back."""
    if isinstance(error, SQLAlchemyError):
        return is_passing(error)
    if isinstance(error, OSError):
        return error.filename is None  # with one it is about a file, not about the network
    return isinstance(error, RPCError | asyncio.TimeoutError)
