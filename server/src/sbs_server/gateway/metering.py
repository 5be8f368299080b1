"""Counters for each repository and agent, since the process started; logged once a minute where something moved."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(slots=True)
class Usage:
    """What one agent did with one repository."""

    bytes_in: int = 0
    bytes_out: int = 0
    objects_in: int = 0
    objects_out: int = 0
    locks_removed: int = 0
    # by `code` of the error
    refusals: Counter[str] = field(default_factory=Counter)


class Meter:
    """Used from the event loop only: plain integers need no lock there."""

    def __init__(self) -> None:
        self._usage: defaultdict[tuple[UUID, UUID], Usage] = defaultdict(Usage)
        self._moved: set[tuple[UUID, UUID]] = set()

    def of(self, restic_repository_id: UUID, agent_id: UUID) -> Usage:
        """The counters to add to; asking for them marks them as moved."""
        key = (restic_repository_id, agent_id)
        self._moved.add(key)
        return self._usage[key]

    def drain_moved(self) -> Iterable[tuple[UUID, UUID, Usage]]:
        """Repository, agent and running totals of those that moved since the last call."""
        moved, self._moved = self._moved, set()
        return [(repository, agent, self._usage[repository, agent]) for repository, agent in sorted(moved)]
