"""How many streams of events a person has open in this process, of whatever kind."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sbs_server.kit.errors import TooManyRequestsError

# More windows than anybody has open, and no way to use up everybody's connections.
MOST_STREAMS = 50
# When a window that was refused may ask again: another one may have been closed by then.
RETRY_AFTER_S = 15


class OpenStreams:
    """One for a process; every stream takes its place from it."""

    def __init__(self, most: int = MOST_STREAMS) -> None:
        self.most = most
        self._streams: Counter[UUID] = Counter()

    def of(self, user_id: UUID) -> int:
        """How many a person has open."""
        return self._streams[user_id]

    @contextmanager
    def place_for(self, user_id: UUID) -> Iterator[None]:
        """Counts a person's streams while they last. Raises TooManyRequestsError beyond `most`."""
        if self._streams[user_id] >= self.most:
            raise TooManyRequestsError("events.too_many", limit=self.most, retry_after_s=RETRY_AFTER_S)
        self._streams[user_id] += 1
        try:
            yield
        finally:
            self._streams[user_id] -= 1
            if not self._streams[user_id]:
                del self._streams[user_id]
