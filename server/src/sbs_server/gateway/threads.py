"""Worker threads for everything that may block: files, SHA-256, the state file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Threads:
    """A pool of its own, so that slow storage can't starve other users of asyncio's default one."""

    def __init__(self, workers: int = 16) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="gateway")

    def start(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[R]:
        """Begin a call; await the result shielded (a thread does not end with its waiter), or hand it to `last`."""
        return asyncio.wrap_future(self._pool.submit(function, *args, **kwargs))

    async def run(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call and wait. A cancelled caller still waits for the end of the call: a thread can't be stopped,
        and what it works on must not be taken away under it."""
        call = asyncio.ensure_future(self.start(function, *args, **kwargs))
        try:
            return await asyncio.shield(call)
        except asyncio.CancelledError:
            await _settle(call)
            raise

    async def last(self, function: Callable[[], None], after: asyncio.Future[R] | None) -> None:
        """Clean up: `function` runs when `after` has ended, however it ended, even if we are cancelled meanwhile."""
        try:
            if after is not None:
                await _settle(after)
        finally:
            await self.run(function)

    def close(self) -> None:
        self._pool.shutdown(wait=True)


async def _settle(future: asyncio.Future[R]) -> None:
    """Wait for the end of `future`, whatever it is, without letting a cancellation through to its thread."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    if not future.cancelled():
        future.exception()  # taken note of: the caller is on its way out with an error of its own
    if cancelled is not None:
        raise cancelled
