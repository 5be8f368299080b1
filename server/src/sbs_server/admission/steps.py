"""Admission as a workflow sees it: ask, wait for the signal, give back."""

import asyncio
from dataclasses import replace
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


class SharedTicket:
    """One ticket for several pieces of work, given back while those that are left only wait for room.

    Asked for again it is a new one, of the purpose `backup.2` and so on: a step of an earlier one that is repeated
    late changes nothing.
    """

    def __init__(
        self, admission: Admission, request: TicketRequest, stop: asyncio.Event, pieces: int
    ) -> None:
        """`pieces`: how many pieces of work need it from the beginning."""
        self._admission = admission
        self._request = request
        self._stop = stop
        self._at_work = pieces
        self._pausing = 0
        self._turn = 1
        self._held = False
        self._one_at_a_time = asyncio.Lock()

    async def acquire(self) -> bool:
        """Waits for it, in the beginning. False: `stop` was set first. In any case it wants its `release`."""
        self._held = await self._admission.acquire(self._asked, self._stop)
        return self._held

    async def release(self) -> None:
        """The end, whatever there was."""
        asked = self._asked
        await self._admission.release(TicketRef(asked.organization_id, asked.run_id, asked.purpose))

    async def pause(self) -> None:
        """A piece of work does nothing for a while."""
        self._at_work -= 1
        self._pausing += 1
        await self._give_back()

    async def resume(self) -> bool:
        """A piece of work wants to go on; waits for the ticket. False: `stop` was set first."""
        self._at_work += 1
        self._pausing -= 1
        async with self._one_at_a_time:
            if not self._held:
                self._turn += 1
                self._held = await self._admission.acquire(self._asked, self._stop)
            return self._held

    async def leave(self) -> None:
        """A piece of work is done. What the others have made is recorded under the ticket if it is still there."""
        self._at_work -= 1
        await self._give_back()

    async def _give_back(self) -> None:
        async with self._one_at_a_time:
            if self._held and self._pausing and not self._at_work:
                self._held = False
                await self.release()

    @property
    def _asked(self) -> TicketRequest:
        if self._turn == 1:
            return self._request
        return replace(self._request, purpose=f"{self._request.purpose}.{self._turn}")


async def _ask(request: TicketRequest) -> bool:
    return await workflow.execute_activity_method(
        AdmissionActivities.request, request, start_to_close_timeout=STEP_TIMEOUT, retry_policy=STEADY
    )
