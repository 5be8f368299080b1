"""Which entries of a snapshot's listing were chosen.

restic lists names that are not UTF-8 with U+FFFD for each odd byte. Where several names of one folder look the same
that way, the exact ones are asked for, and the listing's order tells which is which.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sbs_restic.cli.lossy import lossy

_UNKNOWN: Final = "\ufffd"
_NOWHERE: Final = -1

NamesOf = Callable[[bytes], Awaitable[list[bytes]]]
"""The exact names in a folder of the snapshot, in the listing's order; empty if there is no such folder."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """`turns`: folders (or the path itself) that have look-alikes, as they look, and which is meant, from 1."""

    path: bytes
    turns: tuple[tuple[str, int], ...]


class Selection:
    """Hears of every entry in order, by `see`, and answers for the one it has seen last."""

    def __init__(self, choices: tuple[_Choice, ...]) -> None:
        self._choices: dict[str, list[_Choice]] = {}
        for choice in choices:
            self._choices.setdefault(lossy(choice.path), []).append(choice)
        self._above = {parent for path in self._choices for parent in parents(path)}
        self._watched = {path for choice in choices for path, _ in choice.turns}
        self._seen: Counter[str] = Counter()
        self.not_found = {choice.path for choice in choices}

    @classmethod
    async def make(cls, chosen: tuple[bytes, ...], names_of: NamesOf) -> "Selection":
        known: dict[bytes, list[bytes]] = {}

        async def names(folder: bytes) -> list[bytes]:
            if folder not in known:
                known[folder] = await names_of(folder)
            return known[folder]

        return cls(tuple([_Choice(path, await _turns(path, names)) for path in chosen]))

    def see(self, path: str) -> None:
        if path in self._watched:
            self._seen[path] += 1
        if path in self._above:  # the entries of a folder come right after it, those of its look-alike later
            for below in self._watched:
                if below.startswith(f"{path}/"):
                    self._seen[below] = 0
        for choice in self._choices.get(path, []):
            if self._is_turn_of(choice):
                self.not_found.discard(choice.path)

    def covers(self, path: str) -> bool:
        """Whether the path or a folder above it was chosen."""
        if not self._choices:
            return True
        above = (choice for place in (path, *parents(path)) for choice in self._choices.get(place, []))
        return any(self._is_turn_of(choice) for choice in above)

    def leads_to(self, path: str) -> bool:
        """Whether a chosen path lies below this folder."""
        return path in self._above

    def _is_turn_of(self, choice: _Choice) -> bool:
        return all(self._seen[path] == number for path, number in choice.turns)


async def _turns(path: bytes, names_of: NamesOf) -> tuple[tuple[str, int], ...]:
    found: list[tuple[str, int]] = []
    for folder, name in steps(path):
        if _UNKNOWN not in lossy(name):
            continue
        alike = [other for other in await names_of(folder) if lossy(other) == lossy(name)]
        if alike != [name]:
            place = folder.rstrip(b"/") + b"/" + name
            found.append((lossy(place), alike.index(name) + 1 if name in alike else _NOWHERE))
    return tuple(found)


def steps(path: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(/, a), (/a, b) for /a/b."""
    folder = b"/"
    for name in path.split(b"/")[1:]:
        yield folder, name
        folder = folder.rstrip(b"/") + b"/" + name


def parents(path: str) -> list[str]:
    """/a and /a/b for /a/b/c."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(2, len(parts))]
