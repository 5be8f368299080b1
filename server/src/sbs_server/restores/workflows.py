"""A restore to an agent."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError

from sbs_server.admission.steps import Admission, SharedTicket
from sbs_server.admission.types import TicketRequest
from sbs_server.agents.order_types import Order
from sbs_server.agents.orders import carry_out
from sbs_server.kit.workflows import STEADY, STEP_TIMEOUT, RunRef
from sbs_server.restores.types import RestoreOutcome
from sbs_server.runs.ending import failed_by, finish
from sbs_server.runs.types import RunEnd

with workflow.unsafe.imports_passed_through():
    from sbs_server.restores.activities import RestoreActivities


@workflow.defn(name="RestoreWorkflow")
class RestoreWorkflow:
    """prepare → admission → the agent restores and verifies → record → release → finish."""

    def __init__(self) -> None:
        self._admission = Admission()
        self._stop = asyncio.Event()

    @workflow.signal
    def admitted(self, purpose: str) -> None:
        self._admission.grant(purpose)

    @workflow.signal
    def cancel(self) -> None:
        self._stop.set()

    @workflow.run
    async def run(self, ref: RunRef) -> RunEnd:
        try:
            end = await self._whole(ref)
        except ActivityError as error:
            end = failed_by(error)
        return await finish(ref, end)

    async def _whole(self, ref: RunRef) -> RunEnd:
        plan = await workflow.execute_activity_method(
            RestoreActivities.prepare, ref, start_to_close_timeout=STEP_TIMEOUT, retry_policy=STEADY
        )
        if plan.order is None:
            return RunEnd("failed", False, plan.problem_code, plan.problem_message)
        return await self._restore(ref, plan.order)

    async def _restore(self, ref: RunRef, order: Order) -> RunEnd:
        request = TicketRequest(
            ref.organization_id, ref.run_id, "restore", [order.restic_repository_id], exclusive=False
        )
        ticket = SharedTicket(self._admission, request, self._stop, pieces=1)
        try:
            if not await ticket.acquire():
                return RunEnd("cancelled")
            outcome = await carry_out(order, self._stop, ticket)
            return await workflow.execute_activity_method(
                RestoreActivities.record,
                RestoreOutcome(ref.organization_id, ref.run_id, order.restic_repository_id, outcome),
                start_to_close_timeout=STEP_TIMEOUT,
                retry_policy=STEADY,
            )
        finally:
            await ticket.release()
