"""A backup of one agent, from asking for admission to retention."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

from sbs_server.admission.steps import Admission, SharedTicket
from sbs_server.admission.types import TicketRef, TicketRequest
from sbs_server.agents.order_types import Order
from sbs_server.agents.orders import carry_out
from sbs_server.backups.types import FORGET_PURPOSE, BackupOutcomes, BackupPlan, ForgetRequest, TargetOutcome
from sbs_server.kit.workflows import LONG_STEP_TIMEOUT, SIGN_OF_LIFE_WITHIN, STEADY, STEP_TIMEOUT, RunRef
from sbs_server.runs.ending import failed_by, finish
from sbs_server.runs.types import RunEnd

with workflow.unsafe.imports_passed_through():
    from sbs_server.backups.activities import BackupActivities
    from sbs_server.retention.activities import RetentionActivities


@workflow.defn(name="BackupWorkflow")
class BackupWorkflow:
    """prepare → admission → the agent backs up to all targets → record → release → forget → finish."""

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
            BackupActivities.prepare,
            ref,
            start_to_close_timeout=LONG_STEP_TIMEOUT,
            heartbeat_timeout=SIGN_OF_LIFE_WITHIN,
            retry_policy=STEADY,
        )
        if plan.problem_code is not None:
            return RunEnd("failed", False, plan.problem_code, plan.problem_message)
        end = await self._back_up(ref, plan)
        if not end.may_forget or plan.keep_last is None:
            return end
        try:
            await self._forget(ref, plan, plan.keep_last)
        except ActivityError as error:
            return _retention_failed(end, error)
        return end

    async def _back_up(self, ref: RunRef, plan: BackupPlan) -> RunEnd:
        request = _ticket(ref, plan, "backup", exclusive=False)
        ticket = SharedTicket(self._admission, request, self._stop, len(plan.orders))
        try:
            if not await ticket.acquire():
                return RunEnd("cancelled")
            targets = [*plan.refused, *await _all([self._target(order, ticket) for order in plan.orders])]
            outcomes = BackupOutcomes(ref.organization_id, ref.run_id, targets)
            return await workflow.execute_activity_method(
                BackupActivities.record, outcomes, start_to_close_timeout=STEP_TIMEOUT, retry_policy=STEADY
            )
        finally:
            await ticket.release()

    async def _target(self, order: Order, ticket: SharedTicket) -> TargetOutcome:
        return TargetOutcome(order.restic_repository_id, await carry_out(order, self._stop, ticket))

    async def _forget(self, ref: RunRef, plan: BackupPlan, keep_last: int) -> None:
        ticket = _ticket(ref, plan, FORGET_PURPOSE, exclusive=True)
        request = ForgetRequest(ref.organization_id, ref.run_id, plan.restic_repository_ids, keep_last)
        try:
            if await self._admission.acquire(ticket, self._stop) and not self._stop.is_set():
                await workflow.execute_activity_method(
                    RetentionActivities.forget,
                    request,
                    start_to_close_timeout=LONG_STEP_TIMEOUT,
                    heartbeat_timeout=SIGN_OF_LIFE_WITHIN,
                    retry_policy=STEADY,
                )
        finally:
            await self._admission.release(TicketRef(ref.organization_id, ref.run_id, FORGET_PURPOSE))


async def _all(targets: list[Coroutine[Any, Any, TargetOutcome]]) -> list[TargetOutcome]:
    """Every target comes to its end before one that failed is raised: the ticket is for all of them."""
    ended = await asyncio.gather(*targets, return_exceptions=True)
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    return [one for one in ended if not isinstance(one, BaseException)]


def _ticket(ref: RunRef, plan: BackupPlan, purpose: str, *, exclusive: bool) -> TicketRequest:
    return TicketRequest(ref.organization_id, ref.run_id, purpose, plan.restic_repository_ids, exclusive)


def _retention_failed(end: RunEnd, error: ActivityError) -> RunEnd:
    """The backup itself is good; what should have been forgotten is left to the next run."""
    message = failed_by(error).error_message
    return replace(end, state="completed_with_warnings", error_code="retention_failed", error_message=message)
