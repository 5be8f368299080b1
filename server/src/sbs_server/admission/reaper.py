"""Frees tickets whose workflow is gone: terminated, timed out, or lost with the workflow store."""

from datetime import timedelta

import structlog
from sqlalchemy import text
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from sbs_server.admission.dispatcher import Dispatcher
from sbs_server.kit.db.session import Database

log = structlog.get_logger()

# Younger tickets may belong to a workflow whose start is still in the outbox.
_YOUNG = timedelta(minutes=2)

_OLD_TICKETS = text(
    "SELECT id, workflow_id FROM admission_ticket WHERE state <> 'released' AND enqueued_at < now() - :age"
)
_RELEASE = text(
    "UPDATE admission_ticket SET state = 'released', released_at = now(), updated_at = now(),"
    " release_reason = :reason WHERE id = :id AND state <> 'released'"
)


class Reaper:
    def __init__(self, system: Database, temporal: Client, dispatcher: Dispatcher) -> None:
        self._system = system
        self._temporal = temporal
        self._dispatcher = dispatcher

    async def sweep(self) -> int:
        """Releases orphaned tickets; gives back how many."""
        async with self._system.transaction() as session:
            tickets = (await session.execute(_OLD_TICKETS, {"age": _YOUNG})).all()
        freed = 0
        for ticket in tickets:
            reason = await self._gone(ticket.workflow_id)
            if reason is not None:
                await self._release(ticket.id, reason)
                freed += 1
        if freed:
            await self._dispatcher.grant()
        return freed

    async def _gone(self, workflow_id: str) -> str | None:
        """Why the workflow no longer needs its tickets; None while it does."""
        try:
            described = await self._temporal.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return "reaped: the workflow is unknown"
            raise
        if described.status in {WorkflowExecutionStatus.RUNNING, None}:
            return None
        return f"reaped: the workflow is {described.status.name.lower()}"

    async def _release(self, ticket_id: object, reason: str) -> None:
        log.warning("admission ticket reaped", ticket=str(ticket_id), reason=reason)
        async with self._system.transaction() as session:
            await session.execute(_RELEASE, {"id": ticket_id, "reason": reason})
