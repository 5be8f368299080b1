"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

from demo.errors import DemoError

T = TypeVar("T")
_PAUSE_S = 0.2


def until(found: Callable[[], T | None], deadline_s: float, what: str, *, pause_s: float = _PAUSE_S) -> T:
    """What `found` gives back as soon as it is not None, asked every `pause_s` seconds.

    Raises DemoError after `deadline_s` seconds.
    """
    end = time.monotonic() + deadline_s
    while True:
        result = found()
        if result is not None:
            return result
        if time.monotonic() > end:
            raise DemoError(f"waited {deadline_s:.0f} s in vain for {what}")
        time.sleep(pause_s)
