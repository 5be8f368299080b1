"""The sample tree between two runs of the demo: made once, changed a little further each time."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from demo.change import change_tree
from demo.machine import Person
from demo.tree import make_tree, remove_tree

_SEED = 1


@dataclass
class Sample:
    """`root` is the tree; `note` remembers what was planted, so that a second run works on the first one's data."""

    root: Path
    note: Path
    person: Person
    generation: int = 0
    locked: tuple[bytes, ...] = ()

    def open(self) -> bool:
        """Takes up the tree of the run before, or makes one. False: it is new."""
        if self.note.exists() and self.root.exists():
            kept = json.loads(self.note.read_text("utf-8"))
            self.generation, self.locked = kept["generation"], tuple(bytes.fromhex(p) for p in kept["locked"])
            return True
        remove_tree(self.root)
        plan = make_tree(self.root, _SEED, self.person.uid, self.person.gid)
        self._remember(0, plan.unreadable)
        return False

    def change(self) -> dict[str, int]:
        """The next generation of changes; gives back how many of each kind."""
        # Without the note an interrupted change starts over with a fresh tree.
        self.note.unlink()
        generation = self.generation + 1
        changes = change_tree(self.root, _SEED, generation, self.person.uid, self.person.gid)
        self._remember(generation, (*self.locked, *changes.locked))
        return changes.counts()

    def planted(self) -> list[bytes]:
        """Absolute paths of what was made unreadable."""
        return [bytes(self.root) + b"/" + name for name in self.locked]

    def _remember(self, generation: int, locked: Iterable[bytes]) -> None:
        self.generation, self.locked = generation, tuple(locked)
        kept = {"generation": generation, "locked": [path.hex() for path in self.locked]}
        self.note.write_text(json.dumps(kept), "utf-8")
