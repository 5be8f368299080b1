"""Grants tickets whenever something changes, and has those of lost runs freed."""

import asyncio
from typing import Protocol

import structlog
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from sbs_server.admission.dispatcher import Dispatcher
from sbs_server.kit.db.listen import Wakeup

log = structlog.get_logger()

_CHANNEL = "sbs_admission"
_TICK_S = 5.0  # a notification can get lost with its connection
_REAP_S = 60.0


class Reaper(Protocol):
    """`sbs_server.runs.lost.LostRuns`."""

    async def sweep(self) -> int: ...


class AdmissionLoop:
    """LISTENs on a connection of its own. `url`: as `sbs_system`."""

    def __init__(self, url: URL, dispatcher: Dispatcher, reaper: Reaper) -> None:
        self._wakeup = Wakeup(url, _CHANNEL)
        self._alarm = self._wakeup.alarm()
        self._dispatcher = dispatcher
        self._reaper = reaper

    async def run(self) -> None:
        """Until cancelled. A database or workflow server that is away is waited for."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._wakeup.run())
            tasks.create_task(self._grant())
            tasks.create_task(self._reap())

    async def _grant(self) -> None:
        while True:
            try:
                await self._dispatcher.grant()
            except (SQLAlchemyError, OSError) as error:
                log.warning("admission waits for the database", error=type(error).__name__)
            await self._alarm.wait(_TICK_S)

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(_REAP_S)
            try:
                await self._reaper.sweep()
            except (SQLAlchemyError, OSError, RPCError) as error:
                log.warning("admission reaper waits", error=type(error).__name__)
