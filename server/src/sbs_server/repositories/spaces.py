"""What is known of repositories' disks, without waiting long for a disk that does not answer.

Lists and overviews ask for many at once and often: what was found is kept for half a minute, one look is under way
for each at most, and who asks waits a moment only. What comes later is there for the next one.
"""

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

from sbs_server.kit.errors import FieldProblem
from sbs_server.models import Repository
from sbs_server.repositories import service
from sbs_server.repositories.places import Places
from sbs_server.repositories.trials import Space

Finding = Space | FieldProblem
_FRESH_S = 30.0
_PATIENCE_S = 0.5
_MOST_KEPT = 10_000


class Spaces:
    """Built once for the application."""

    def __init__(self, places: Places, *, fresh_s: float = _FRESH_S, patience_s: float = _PATIENCE_S) -> None:
        self._places = places
        self._fresh_s = fresh_s
        self._patience_s = patience_s
        self._known: dict[UUID, tuple[float, Finding]] = {}
        self._looking: dict[UUID, asyncio.Task[None]] = {}

    async def of(self, rows: Sequence[Repository]) -> dict[UUID, Finding]:
        """The space of each one's disk, or why it can't be used; what is not known in time is left out."""
        now = time.monotonic()
        stale = [row for row in rows if now - self._known.get(row.id, (float("-inf"),))[0] > self._fresh_s]
        looks = [self._look(row) for row in stale]
        if looks:
            await asyncio.wait(looks, timeout=self._patience_s)
        return {row.id: self._known[row.id][1] for row in rows if row.id in self._known}

    def _look(self, row: Repository) -> asyncio.Task[None]:
        task = self._looking.get(row.id)
        if task is None:
            task = asyncio.create_task(self._find(row))
            self._looking[row.id] = task
            task.add_done_callback(lambda _: self._looking.pop(row.id, None))
        return task

    async def _find(self, row: Repository) -> None:
        found = await service.space(self._places, row)
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        self._known[row.id] = time.monotonic(), found
