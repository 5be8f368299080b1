"""Running requests, and the watch over them: a revoked agent is cut off in the middle, a stalled one too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog

from sbs_server.gateway.authorize import AgentIdentity, Authorizer
from sbs_server.gateway.errors import (
    CLOSE_CONNECTION,
    GatewayError,
    StalledError,
    UnavailableError,
)

_log = structlog.get_logger("sbs.gateway")


@dataclass(eq=False, slots=True)
class Transfer:
    """One running request of an agent. `touch` on every bit of progress."""

    agent: AgentIdentity
    restic_repository_id: UUID
    task: asyncio.Task[object]
    moved_at: float
    clock: Callable[[], float]
    cut: GatewayError | None = None

    def touch(self) -> None:
        self.moved_at = self.clock()

    def end(self, reason: GatewayError) -> None:
        """Stop the request from outside, once; the connection is closed, what is left of a body is not awaited."""
        if self.cut is None:
            reason.headers = (*reason.headers, CLOSE_CONNECTION)
            self.cut = reason
            self.task.cancel()


class Transfers:
    """All running requests; used from the event loop only."""

    def __init__(
        self, authorizer: Authorizer, *, idle_limit_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._authorizer = authorizer
        self._idle_limit_s = idle_limit_s
        self._clock = clock
        self._running: set[Transfer] = set()

    def __len__(self) -> int:
        return len(self._running)

    @contextmanager
    def running(self, agent: AgentIdentity, restic_repository_id: UUID) -> Iterator[Transfer]:
        """Put the current task under watch. A cut arrives as the error that says why, not as a cancellation."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type: there is one, we are inside a coroutine
        transfer = Transfer(agent, restic_repository_id, task, self._clock(), self._clock)
        self._running.add(transfer)
        try:
            yield transfer
        except asyncio.CancelledError:
            if transfer.cut is None:
                raise  # the server is stopping
            task.uncancel()
            raise transfer.cut from None
        finally:
            self._running.discard(transfer)

    async def watch(self, every_s: float = 1.0) -> None:
        """Look at all running requests for ever; cancel it to stop."""
        while True:
            await asyncio.sleep(every_s)
            await asyncio.gather(*map(self._look_at, list(self._running)))

    async def _look_at(self, transfer: Transfer) -> None:
        if self._clock() - transfer.moved_at > self._idle_limit_s:
            transfer.end(StalledError(f"nothing moved for {self._idle_limit_s:g} s"))
        else:
            await self._ask_again(transfer)

    async def _ask_again(self, transfer: Transfer) -> None:
        try:
            await self._authorizer.restic_repository(transfer.restic_repository_id, transfer.agent)
        except UnavailableError as error:
            # Nobody can revoke while the database is away; what was granted goes on, new requests get 503.
            _log.warning("gateway.recheck_failed", reason=str(error))
        except GatewayError as error:
            transfer.end(error)
