"""How long to wait: for an answer, and before trying again."""

import secrets
from datetime import timedelta

CALL_TIMEOUT = timedelta(seconds=8)
"""For one call to Temporal: whatever else waits for its turn has to go on."""


class Backoff:
    """Doubling pauses with jitter, so that those who failed together do not come back together."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s, self._longest_s = first_s, longest_s
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait after one more failure."""
        self._failures += 1
        return pause_after(self._failures, self._first_s, self._longest_s)

    def reset(self) -> None:
        """It worked."""
        self._failures = 0


def pause_after(failures: int, first_s: float, longest_s: float) -> float:
    """Seconds to wait after that many failures in a row: between a half and the whole of the doubled pause."""
    # The exponent is capped because 2.0**1024 is an error, and an outage may last for days.
    whole = min(longest_s, first_s * 2.0 ** min(failures - 1, 32))
    return whole * (0.5 + secrets.randbelow(1000) / 2000)
