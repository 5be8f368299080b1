"""Ending tasks for certain."""

import asyncio
from collections.abc import Iterable
from typing import Any

_PATIENCE_SECONDS = 1.0


async def end(tasks: "Iterable[asyncio.Future[Any]]") -> None:
    """Cancel until they have ended; what they raise stays in them.

    Once is not always enough: before Python 3.12 `asyncio.wait_for` loses a cancellation that comes together with
    its result, and nats-py waits that way for messages.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_PATIENCE_SECONDS)
