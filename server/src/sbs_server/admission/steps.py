"""Admission as a workflow sees it: ask, wait for the signal, give back."""

import asyncio
from datetime import timedelta

from temporalio import workflow

from sbs_server.admission.types import TicketRef, TicketRequest
from sbs_server.kit.workflows import STEADY, STEP_TIMEOUT

with workflow.unsafe.imports_passed_through():
    from sbs_server.admission.activities import AdmissionActivities

# A signal can get lost only if its outbox row does; looking again now and then costs next to nothing.
_FIRST_LOOK = timedelta(minutes=1)
_LAST_LOOK = timedelta(hours=1)  # a run may wait for weeks, and each look makes its history longer


class Admission:
    """The tickets of one workflow. The workflow hands its `admitted` signal to `grant`."""

    def __init__(self) -> None:
        self._granted: set[str] = set()

    def grant(self, purpose: str) -> None:
        self._granted.add(purpose)

    async def acquire(self, request: TicketRequest, stop: asyncio.Event) -> bool:
        """Waits for the ticket. False: `stop` was set first; the ticket still wants its `release`."""
        if await _ask(request):
            return True
        look = _FIRST_LOOK
        while request.purpose not in self._granted and not stop.is_set():
            try:
                await workflow.wait_condition(
                    lambda: request.purpose in self._granted or stop.is_set(), timeout=look
                )
            except TimeoutError:
                if await _ask(request):
                    return True
                look = min(look * 2, _LAST_LOOK)
        return request.purpose in self._granted

    async def release(self, ref: TicketRef) -> None:
        """Gives the ticket back; harmless when there is none."""
        await workflow.execute_activity_method(
            AdmissionActivities.release, ref, start_to_close_timeout=STEP_TIMEOUT, retry_policy=STEADY
        )


async def _ask(request: TicketRequest) -> bool:
    return await workflow.execute_activity_method(
        AdmissionActivities.request, request, start_to_close_timeout=STEP_TIMEOUT, retry_policy=STEADY
    )
