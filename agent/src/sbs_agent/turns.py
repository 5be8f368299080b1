"""Whose turn it is: a few commands at a time, and never two on one restic repository.

The control plane limits too, but after a lost heartbeat it may send a second attempt while the first still
runs: the machine itself has to refuse.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID


class Turns:
    def __init__(self, parallel: int) -> None:
        self._parallel = parallel
        self._busy: set[UUID] = set()
        self._waiting: list[tuple[UUID, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def take(self, repository: UUID, stop: asyncio.Event) -> AsyncIterator[bool]:
        """Wait in line and hold the repository; yields False, holding nothing, if `stop` came first."""
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((repository, granted))
        self._grant()
        stopped = asyncio.ensure_future(stop.wait())
        try:
            both: set[asyncio.Future[Any]] = {granted, stopped}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            yield granted.done() and not stop.is_set()
        finally:
            stopped.cancel()
            self._leave(repository, granted)

    def _leave(self, repository: UUID, granted: "asyncio.Future[None]") -> None:
        if granted.done():
            self._busy.discard(repository)
        else:
            self._waiting.remove((repository, granted))
        self._grant()

    def _grant(self) -> None:
        """First come, first served; one whose repository is busy does not hold up the others."""
        for waiting in list(self._waiting):
            repository, granted = waiting
            if len(self._busy) < self._parallel and repository not in self._busy:
                self._busy.add(repository)
                self._waiting.remove(waiting)
                granted.set_result(None)
