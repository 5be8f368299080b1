"""Runs whose workflow is gone: terminated, failed by a mistake of ours, or lost with the workflow store.

Nobody else would ever end them. They end here, with what they hold: commands are given up on (which quarantines what
an agent may still be writing to), then their tickets are free for others, all in one transaction.
"""

from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from sbs_server.admission.dispatcher import Dispatcher
from sbs_server.agents import abandonment
from sbs_server.agents.order_types import Trouble
from sbs_server.kit.db.session import Database
from sbs_server.models import AdmissionTicket, Command, CommandState, Run, RunState, TicketState
from sbs_server.runs.lifecycle import finish_run, workflow_id
from sbs_server.runs.types import RunEnd

log = structlog.get_logger()

_YOUNG = timedelta(minutes=2)
# A start that still waits in the outbox is no loss; one that was parked there is: nothing else would end the run.
_CANDIDATES = text(
    """
    SELECT open.id, open.organization_id FROM (
      SELECT r.id, r.organization_id, r.created_at FROM run r WHERE r.state IN ('waiting', 'running')
      UNION
      SELECT r.id, r.organization_id, r.created_at
      FROM admission_ticket t JOIN run r ON r.id = t.run_id WHERE t.state <> 'released'
    ) open
    WHERE open.created_at < now() - CAST(:young AS interval) AND NOT EXISTS (
      SELECT 1 FROM outbox o WHERE o.aggregate = 'run:' || replace(open.id::text, '-', '')
       AND o.kind = 'workflow_start' AND o.published_at IS NULL AND o.parked_at IS NULL)
    ORDER BY open.id
    """
)


class LostRuns:
    """`system` finds them in all organizations, `app` ends each in its own."""

    def __init__(
        self,
        system: Database,
        app: Database,
        temporal: Client,
        dispatcher: Dispatcher,
        *,
        young: timedelta = _YOUNG,
    ) -> None:
        self._system = system
        self._app = app
        self._temporal = temporal
        self._dispatcher = dispatcher
        self._young = young

    async def sweep(self) -> int:
        """Ends lost runs; gives back how many. Errors: SQLAlchemyError, OSError, RPCError."""
        async with self._system.transaction() as session:
            candidates = (await session.execute(_CANDIDATES, {"young": self._young})).all()
        ended = 0
        for run in candidates:
            reason = await self._gone(run.id)
            if reason is not None:
                log.error("run_lost", run=run.id.hex, reason=reason)
                async with self._app.transaction(run.organization_id) as session:
                    await _end(session, run.id, reason)
                ended += 1
        if ended:
            await self._dispatcher.grant()
        return ended

    async def _gone(self, run_id: UUID) -> str | None:
        """Why the workflow will never end the run; None while it may."""
        try:
            described = await self._temporal.get_workflow_handle(workflow_id(run_id)).describe()
        except RPCError as error:
            if error.status == RPCStatusCode.NOT_FOUND:
                return "its workflow is unknown"
            raise
        if described.status in {WorkflowExecutionStatus.RUNNING, None}:
            return None
        return f"its workflow is {described.status.name.lower()}"


async def _end(session: AsyncSession, run_id: UUID, reason: str) -> None:
    run = await session.get_one(Run, run_id, with_for_update=True)
    trouble = Trouble("workflow_lost", f"the run was lost: {reason}")
    unfinished = select(Command.id).where(Command.run_id == run_id, Command.state != CommandState.FINISHED)
    for command_id in (await session.scalars(unfinished.order_by(Command.id))).all():
        await abandonment.abandon(session, command_id, trouble)
    await session.execute(
        update(AdmissionTicket)
        .where(AdmissionTicket.run_id == run_id, AdmissionTicket.state != TicketState.RELEASED)
        .values(state=TicketState.RELEASED, released_at=func.now(), release_reason=f"reaped: {reason}")
    )
    if not run.state.is_final:
        state = RunState.FAILED if run.cancel_requested_at is None else RunState.CANCELLED
        await finish_run(session, run, RunEnd(state.value, False, trouble.code, trouble.message))
