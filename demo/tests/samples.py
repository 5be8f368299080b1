"""What the fixtures give to the tests, and the small tree most of them use."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from demo import plants
from demo.entries import Reader
from demo.paths import as_bytes
from demo.planter import Planter

NOBODY = 65_534
Acting = Callable[["Owner"], AbstractContextManager[None]]
SMALL = tuple(plant for plant in plants.ALL if plant not in {plants.office, plants.large, plants.deep})


@dataclass(frozen=True, slots=True)
class Owner:
    """The ordinary user whose files are backed up."""

    uid: int
    gid: int

    @property
    def reader(self) -> Reader:
        return Reader(self.uid, frozenset({self.gid}))


@dataclass(frozen=True, slots=True)
class Proof:
    """A manifest, and a folder that is what a faultless restore would have made of it."""

    manifest: Path
    restored: Path


def small_tree(root: Path, owner: Owner) -> Planter:
    """Everything but the bulk, the large files and the deep chain; the same each time."""
    planter = Planter(as_bytes(root), 5, owner.uid, owner.gid)
    root.mkdir()
    planter.folder(b".")
    for plant in SMALL:
        plant(planter)
    planter.finish()
    return planter
