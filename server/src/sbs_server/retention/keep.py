"""Which snapshots a policy keeps. Pure: what goes in is a list, what comes out is a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Candidate(Generic[K]):
    key: K
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class Decision(Generic[K]):
    keep: list[K]
    forget: list[K]


def keep_last(candidates: Sequence[Candidate[K]], count: int) -> Decision[K]:
    """Keeps the `count` newest (at least one). Of two with the same time, the later in the list is newer."""
    if count < 1:
        raise ValueError("a policy keeps at least one snapshot")
    newest_first = sorted(
        enumerate(candidates), key=lambda entry: (entry[1].taken_at, entry[0]), reverse=True
    )
    keys = [candidate.key for _, candidate in newest_first]
    return Decision(keep=keys[:count], forget=keys[count:])
