"""Makes the tree that `make demo` backs up: a few thousand entries with all that backup programs get wrong.

The same seed gives the same tree, byte for byte and nanosecond for nanosecond, except for what no program
can set (ctime, inode numbers). Made by root, it can belong to an ordinary user; that user can then not read
what is planted as unreadable, as root could. What grows in it is in `plants`, the names are in `names`.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from demo import plants
from demo.errors import TreeError
from demo.paths import as_bytes
from demo.planter import Planter


@dataclass(frozen=True, slots=True)
class Plan:
    """What was planted.

    `root` is absolute; `files` counts names of regular files, also unreadable ones; `size_bytes` is the
    sum of their sizes, each name counted and holes included; `unreadable` are sorted paths relative to
    `root` (what lies inside an unreadable folder is not listed); `refused` says what this file system
    does not have and the tree therefore lacks."""

    root: bytes
    seed: int
    files: int
    folders: int
    size_bytes: int
    unreadable: tuple[bytes, ...]
    refused: tuple[str, ...]

    def unreadable_paths(self) -> tuple[bytes, ...]:
        """The unreadable ones as absolute paths, as a backup program reports them."""
        return tuple(os.path.join(self.root, name) for name in self.unreadable)


def make_tree(root: bytes | str | Path, seed: int, uid: int | None = None, gid: int | None = None) -> Plan:
    """Makes the tree in `root`, which must be absent or an empty folder; `uid` and `gid` then own all of it.

    Raises TreeError when `root` holds something, or when this process may not make files for that owner.
    """
    planter = Planter(os.path.abspath(as_bytes(root)), seed, uid, gid)
    os.makedirs(planter.root, exist_ok=True)
    if os.listdir(planter.root):
        where = os.fsdecode(planter.root)
        raise TreeError(f"{where!r} is not empty: give an absent or empty folder for the tree")
    planter.folder(b".")
    for plant in plants.ALL:
        plant(planter)
    planter.finish()
    return Plan(
        root=planter.root,
        seed=seed,
        files=planter.files,
        folders=planter.folders,
        size_bytes=planter.size_bytes,
        unreadable=tuple(sorted(planter.unreadable)),
        refused=tuple(sorted(planter.refused)),
    )


def remove_tree(root: bytes | str | Path) -> None:
    """Removes a tree with its locked folders, as root or as its owner. Does nothing where there is none."""
    top = as_bytes(root)
    if os.path.lexists(top):
        _remove_folder(top)


def _remove_folder(folder: bytes) -> None:
    if stat.S_IMODE(os.lstat(folder).st_mode) & stat.S_IRWXU != stat.S_IRWXU:
        os.chmod(folder, stat.S_IRWXU)
    with os.scandir(folder) as found:
        entries = [(entry.path, entry.is_dir(follow_symlinks=False)) for entry in found]
    for path, is_folder in entries:
        if is_folder:
            _remove_folder(path)
        else:
            os.unlink(path)
    os.rmdir(folder)
