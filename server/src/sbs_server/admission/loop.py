"""Grants tickets whenever something changes, and has those of lost runs freed."""

import asyncio
from typing import Protocol

import asyncpg
import structlog
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError
from temporalio.service import RPCError

from sbs_server.admission.dispatcher import Dispatcher

log = structlog.get_logger()

_TICK_S = 5.0  # a notification can get lost with its connection
_REAP_S = 60.0


class Reaper(Protocol):
    """`sbs_server.runs.lost.LostRuns`."""

    async def sweep(self) -> int: ...


class AdmissionLoop:
    """LISTENs on a connection of its own. `url`: as `sbs_system`."""

    def __init__(self, url: URL, dispatcher: Dispatcher, reaper: Reaper) -> None:
        self._url = url
        self._dispatcher = dispatcher
        self._reaper = reaper
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled. A database or workflow server that is away is waited for."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._grant())
            tasks.create_task(self._reap())

    async def _grant(self) -> None:
        while True:
            try:
                await self._dispatcher.grant()
            except (SQLAlchemyError, OSError) as error:
                log.warning("admission waits for the database", error=type(error).__name__)
            await self._woken()

    async def _woken(self) -> None:
        try:
            async with asyncio.timeout(_TICK_S):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(_REAP_S)
            try:
                await self._reaper.sweep()
            except (SQLAlchemyError, OSError, RPCError) as error:
                log.warning("admission reaper waits", error=type(error).__name__)

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                log.warning("admission listener reconnects", error=type(error).__name__)
            await asyncio.sleep(1)

    async def _listen_once(self) -> None:
        url = self._url
        connection = await asyncpg.connect(
            host=url.host, port=url.port, user=url.username, password=url.password, database=url.database
        )
        gone = asyncio.Event()
        connection.add_termination_listener(lambda _: gone.set())
        await connection.add_listener("sbs_admission", lambda *_: self._wake.set())
        try:
            await gone.wait()
        finally:
            await connection.close(timeout=2)
