"""Puts the sample tree into its next state, as a day of work would: the second backup has something to find.

Deterministic like `tree`: the same tree, seed and generation give the same next state, the mtimes of all
touched files and folders included. Among the changes are some that a careless incremental backup misses:
new content of the same size under the old mtime, a change through another name of a hard link, a file in
place of a folder."""

import os
import stat
from dataclasses import dataclass, field, fields
from pathlib import Path

from demo import plants
from demo.dice import Dice
from demo.errors import TreeError
from demo.paths import as_bytes
from demo.planter import Planter


@dataclass(slots=True)
class Changes:
    """What was changed; paths relative to the root. `locked` became unreadable as well."""

    modified: list[bytes] = field(default_factory=list)
    truncated: list[bytes] = field(default_factory=list)
    appended: list[bytes] = field(default_factory=list)
    added: list[bytes] = field(default_factory=list)
    deleted: list[bytes] = field(default_factory=list)
    renamed: list[tuple[bytes, bytes]] = field(default_factory=list)
    metadata: list[bytes] = field(default_factory=list)
    retyped: list[bytes] = field(default_factory=list)
    locked: list[bytes] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """How many of each kind, by name."""
        return {each.name: len(getattr(self, each.name)) for each in fields(self)}


def change_tree(
    root: bytes | str | Path, seed: int, generation: int = 1, uid: int | None = None, gid: int | None = None
) -> Changes:
    """Changes the tree that `make_tree` made in `root`; give another `generation` (1, 2, …) each time.

    `uid` and `gid` own what is added. Raises TreeError where there is no such tree, or where it
    has had this generation; nothing is changed then.
    """
    planter = Planter(os.path.abspath(as_bytes(root)), seed + generation * 1_000_003, uid, gid)
    if not os.path.isdir(planter.path(b"office")):
        raise TreeError(f"{os.fsdecode(planter.root)!r} is no sample tree: make one there first")
    if os.path.lexists(planter.path(_new_folder(generation))):
        raise TreeError(f"the tree has had generation {generation} already: give the next number")
    change = _Change(planter, generation)
    change.folders()
    change.documents()
    change.large()
    change.links()
    change.attributes()
    change.shapes()
    planter.finish()
    return change.made


def _new_folder(generation: int) -> bytes:
    return b"office/new in generation %d" % generation


class _Change:
    def __init__(self, planter: Planter, generation: int) -> None:
        self.made = Changes()
        self._planter = planter
        self._generation = generation
        self._dice = Dice(planter.seed, "change")

    def folders(self) -> None:
        """One folder goes with all that is in it, one gets another name, one comes new. First of all: the
        documents are listed afterwards."""
        gone, moved = self._dice.sample(self._projects(), 2)
        for name in os.listdir(self._planter.path(gone)):
            os.unlink(self._planter.path(gone + b"/" + name))
        os.rmdir(self._planter.path(gone))
        self.made.deleted.append(gone)
        self._rename(moved, moved + "_перенесён_%d".encode() % self._generation)
        self._touch(gone)
        fresh = self._planter.folder(_new_folder(self._generation))
        self._planter.retouch(b"office")
        for number in range(30):
            self._add(fresh + b"/added %d.txt" % number, 100 * number)

    def documents(self) -> None:
        """Small files: each of them changes in one way."""
        drawn = iter(self._dice.sample(self._documents(), 141))
        for _ in range(40):
            self._modify(next(drawn), keep_mtime=False)
        for _ in range(10):
            self._modify(next(drawn), keep_mtime=True)
        for _ in range(20):
            self._truncate(next(drawn))
        for _ in range(20):
            self._only_metadata(next(drawn))
        for _ in range(30):
            self._delete(next(drawn))
        for _ in range(20):
            name = next(drawn)
            self._rename(name, name + b".renamed \xff %d" % self._generation)
        self._lock(next(drawn))

    def large(self) -> None:
        """One large file grows, another gets 64 KiB in its middle."""
        self._append(plants.LARGE_NOISE, plants.MIB)
        self._overwrite(plants.LARGE_MIXED, 20 * plants.MIB, 64 * 1024)
        self._append(b"sparse/holes.img", 1)

    def links(self) -> None:
        """New content through one of the names of a file; a name that leaves its group; another target."""
        self._overwrite(b"hard/two/group 1 name 0", 0, 100)
        loner = b"hard/two/group 3 name 0"
        self._replace(loner, Dice(self._planter.seed, loner), 2000)
        link = b"links/relative"
        os.unlink(self._planter.path(link))
        self._planter.symlink(link, b"../crowd/%04d.log" % self._generation)
        self._touch(link)
        self.made.modified.append(link)

    def attributes(self) -> None:
        """Another value for an attribute, nothing else; nothing where the file system has no attributes."""
        name = b"attributes/file"
        if self._planter.xattr(name, {b"user.comment": b"generation %d" % self._generation}):
            self.made.metadata.append(name)

    def shapes(self) -> None:
        """The file becomes a folder and the folder a file; the next generation turns them back."""
        for name in (plants.SHAPE_FILE, plants.SHAPE_FOLDER):
            path = self._planter.path(name)
            if os.path.isdir(path):
                os.unlink(path + b"/inside")
                os.rmdir(path)
                self._planter.file(name, [b"a file since generation %d" % self._generation])
            else:
                os.unlink(path)
                self._planter.file(self._planter.folder(name) + b"/inside", [b"%d" % self._generation])
            self._touch(name)
            self.made.retyped.append(name)

    def _projects(self) -> list[bytes]:
        """Folders of two levels below `office` with nothing unreadable in them."""
        found = []
        for department in sorted(os.listdir(self._planter.path(b"office"))):
            top = b"office/" + department
            found += [name for name in self._below(top) if os.path.isdir(self._planter.path(name))]
        return [folder for folder in found if all(self._is_plain(name) for name in self._below(folder))]

    def _documents(self) -> list[bytes]:
        return [name for folder in self._projects() for name in self._below(folder)]

    def _below(self, folder: bytes) -> list[bytes]:
        return [folder + b"/" + name for name in sorted(os.listdir(self._planter.path(folder)))]

    def _is_plain(self, name: bytes) -> bool:
        found = os.lstat(self._planter.path(name))
        return stat.S_ISREG(found.st_mode) and stat.S_IMODE(found.st_mode) != 0

    def _touch(self, name: bytes) -> None:
        """A name in a folder came or went: the folder's mtime moved to now and gets a known value instead."""
        self._planter.retouch(os.path.dirname(name))

    def _add(self, name: bytes, size_bytes: int) -> None:
        self._planter.file(name, Dice(self._planter.seed, name).prose(size_bytes))
        self.made.added.append(name)

    def _modify(self, name: bytes, *, keep_mtime: bool) -> None:
        found = os.lstat(self._planter.path(name))
        self._overwrite(name, found.st_size // 2, 1)
        if keep_mtime:
            self._planter.age(name, found.st_mtime_ns)

    def _overwrite(self, name: bytes, offset: int, size_bytes: int) -> None:
        """Other bytes in place of the ones there: each bit is flipped, so none can be the same by chance."""
        with open(self._planter.path(name), "r+b") as file:
            file.seek(offset)
            old = file.read(size_bytes)
            file.seek(offset)
            file.write(bytes(byte ^ 0xFF for byte in old))
        self._planter.age(name)
        self.made.modified.append(name)

    def _replace(self, name: bytes, dice: Dice, size_bytes: int) -> None:
        os.unlink(self._planter.path(name))
        self._planter.file(name, dice.noise(size_bytes))
        self._touch(name)
        self.made.modified.append(name)

    def _truncate(self, name: bytes) -> None:
        path = self._planter.path(name)
        os.truncate(path, os.lstat(path).st_size // 2)
        self._planter.age(name)
        self.made.truncated.append(name)

    def _append(self, name: bytes, size_bytes: int) -> None:
        with open(self._planter.path(name), "ab") as file:
            file.writelines(Dice(self._planter.seed, name).noise(size_bytes))
        self._planter.age(name)
        self.made.appended.append(name)

    def _only_metadata(self, name: bytes) -> None:
        mode = stat.S_IMODE(os.lstat(self._planter.path(name)).st_mode)
        self._planter.settle(name, mode ^ 0o010)
        self.made.metadata.append(name)

    def _delete(self, name: bytes) -> None:
        os.unlink(self._planter.path(name))
        self._touch(name)
        self.made.deleted.append(name)

    def _rename(self, name: bytes, new_name: bytes) -> None:
        os.rename(self._planter.path(name), self._planter.path(new_name))
        self._touch(name)
        self.made.renamed.append((name, new_name))

    def _lock(self, name: bytes) -> None:
        os.chmod(self._planter.path(name), 0)
        self.made.locked.append(name)
