"""What the relay does with a row of the outbox: effects on Temporal."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from sbs_protocol.identifiers import parse_hex_id
from sbs_server.messaging.effects import Effect, ScheduleSync, text
from sbs_server.messaging.errors import PassingEffectError, PoisonEffectError
from sbs_server.messaging.pace import CALL_TIMEOUT
from sbs_server.models import Outbox, OutboxKind

log = structlog.get_logger()

# What no repetition changes. Everything else (unavailable, deadline, resource exhausted, …) passes.
_LASTING = {
    RPCStatusCode.INVALID_ARGUMENT,
    RPCStatusCode.NOT_FOUND,
    RPCStatusCode.ALREADY_EXISTS,
    RPCStatusCode.FAILED_PRECONDITION,
    RPCStatusCode.OUT_OF_RANGE,
    RPCStatusCode.UNIMPLEMENTED,
}


class WorkflowEffects:
    """`schedules` belongs to the domain of schedules; it may raise what Temporal raises."""

    def __init__(self, temporal: Client, task_queue: str, schedules: ScheduleSync) -> None:
        self._temporal = temporal
        self._task_queue = task_queue
        self._schedules = schedules

    def by_kind(self) -> Mapping[OutboxKind, Effect]:
        return {
            OutboxKind.WORKFLOW_START: self.start,
            OutboxKind.WORKFLOW_SIGNAL: self.signal,
            OutboxKind.SCHEDULE_SYNC: self.schedule,
        }

    async def start(self, row: Outbox) -> None:
        """Starts a workflow, once: its id is taken for good, also after its end."""
        async with _calls():
            try:
                await self._temporal.start_workflow(
                    text(row, "workflow"),
                    args=_arguments(row),
                    id=text(row, "workflow_id"),
                    task_queue=self._task_queue,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    rpc_timeout=CALL_TIMEOUT,
                )
            except WorkflowAlreadyStartedError:
                log.info("workflow_already_started", workflow=row.payload["workflow_id"])

    async def signal(self, row: Outbox) -> None:
        """Tells a workflow something; one that is over need not know."""
        handle = self._temporal.get_workflow_handle(text(row, "workflow_id"))
        async with _calls(gone_is_fine=True):
            await handle.signal(text(row, "signal"), args=_arguments(row), rpc_timeout=CALL_TIMEOUT)

    async def schedule(self, row: Outbox) -> None:
        """Brings a job's schedule up to date."""
        async with _calls():
            await self._schedules(_job(row))


@asynccontextmanager
async def _calls(*, gone_is_fine: bool = False) -> AsyncIterator[None]:
    """Errors of Temporal as ours. The text of an RPC error may quote inputs; its status does not."""
    try:
        yield
    except RPCError as error:
        if gone_is_fine and error.status == RPCStatusCode.NOT_FOUND:
            log.info("workflow_gone")
            return
        kind = PoisonEffectError if error.status in _LASTING else PassingEffectError
        raise kind(f"Temporal: {error.status.name}") from error
    except (RuntimeError, OSError, TimeoutError) as error:
        # The SDK raises RuntimeError when its first connection fails.
        raise PassingEffectError(f"Temporal: {type(error).__name__}") from error


def _arguments(row: Outbox) -> list[Any]:
    given = row.payload.get("input")
    return [] if given is None else [given]


def _job(row: Outbox) -> UUID:
    try:
        return parse_hex_id(text(row, "job_id"))
    except ValueError as error:
        raise PoisonEffectError("job_id is not 32 hex digits") from error
