"""How often things happen, and how long to wait before trying again."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. Tests make them short; nothing else changes them."""

    heartbeat: float = 10.0
    fetch: float = 30.0
    connect: float = (
        30.0  # the server's own limit for a handshake and the callout, see the bus's configuration
    )
    acknowledgement: float = 10.0
    progress: float = 0.5  # at most twice a second for a command
    status_file: float = 2.0
    retry_first: float = 1.0
    retry_longest: float = 60.0
    refused_first: float = 10.0
    refused_longest: float = 300.0
    renew_check: float = 3600.0

    def unreachable(self) -> "Backoff":
        return Backoff(self.retry_first, self.retry_longest)

    def refused(self) -> "Backoff":
        return Backoff(self.refused_first, self.refused_longest)


class Backoff:
    """Doubling waits with full jitter above half, so that a thousand agents do not come back in one second."""

    def __init__(self, first: float, longest: float) -> None:
        self._first, self._longest = first, longest
        self._next = first

    def next(self) -> float:
        """Seconds to wait now."""
        wait = self._next * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
        self._next = min(self._next * 2, self._longest)
        return wait

    def reset(self) -> None:
        self._next = self._first
