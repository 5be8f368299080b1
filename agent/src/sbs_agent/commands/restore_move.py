"""From the staging folder to the places: one rename for each file, or for each folder that is not there yet.

What has been moved is no longer in the staging folder, so a move that was interrupted is simply gone on with. The
target is gone through by folders held open: a link that its owner puts there is never followed.
"""

import errno
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final, Literal

from sbs_agent.commands.keep_both import free_name
from sbs_agent.commands.restore_staging import Staging, entries, make_writable, read_names
from sbs_agent.platform.folder import Folder
from sbs_protocol.paths import WirePath

RENAMED_AT_MOST: Final = 1000
_EXAMPLES: Final = 100
# As many as the control plane keeps of one attempt.
NAMED_AT_MOST: Final = 100_000
_LOOKS: Final = 100
_NOWHERE: Final = PurePath()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A path of the snapshot that was not put at its place, and why."""

    path: WirePath
    reason: str
    code: Literal["left_out", "restore_failed"] = "left_out"


@dataclass(slots=True)
class Moved:
    """`left` counts what stayed in the staging folder, `left_regular` and `left_bytes` the files of it. `left_out`
    counts those of `left` that the policy does not let stay: what is in their place is of another kind (a file where
    the snapshot has a folder, or the other way round), or the system did not let them be put there, which `failed`
    counts; `named` says which (and which folders).

    `in_the_way` holds examples of what took the places, `renamed` of what got a suffix.
    """

    left: int = 0
    left_regular: int = 0
    left_bytes: int = 0
    left_out: int = 0
    failed: int = 0
    first_failure: str = ""
    named: list[LeftOut] = field(default_factory=list)
    in_the_way: list[WirePath] = field(default_factory=list)
    renamed: list[WirePath] = field(default_factory=list)


def move_into_place(staging: Staging, suffix: str | None, check: Callable[[], None]) -> Moved:
    """With a suffix, what meets another of its name gets it; without one it stays in the staging folder.

    A path that the system refuses stays there too, and is told; the others are moved. `check` is called for each file
    and may raise to stop. Raises `OSError` if nothing at all can be moved.
    """
    move = _Move(staging, suffix, check)
    move.all()
    move.moved.renamed = _really_renamed(staging)
    return move.moved


def look_ahead(staging: Staging, check: Callable[[], None]) -> Moved:
    """What would stay if everything were moved now; nothing is. Raises `OSError` for what can't be looked at."""
    move = _Move(staging, None, check, dry=True)
    move.all()
    return move.moved


@dataclass(slots=True, eq=False)
class _Level:
    """A folder that is on both sides. `names`: what is still to be moved, the next one last."""

    source: Folder
    target: Folder
    below: PurePath
    names: list[str]

    def close(self) -> None:
        self.source.close()
        if self.below != _NOWHERE:
            self.target.close()


@dataclass(slots=True)
class _Move:
    staging: Staging
    suffix: str | None
    check: Callable[[], None]
    dry: bool = False
    moved: Moved = field(default_factory=Moved)
    recorded: int = 0
    links: Counter[int] = field(default_factory=Counter)
    levels: list[_Level] = field(default_factory=list)

    def all(self) -> None:
        """Folders may be nested more deeply than calls may be."""
        source, target = self.staging.open()
        with source:
            names = sorted(source.names(), reverse=True)
            self.levels.append(_Level(source, target, _NOWHERE, names))
            try:
                self._go_through()
            finally:
                for level in self.levels:
                    level.close()

    def _go_through(self) -> None:
        while self.levels:
            level = self.levels[-1]
            if level.names:
                self._place(level, level.names.pop())
            if not level.names:  # also when its last folder was just entered: few are held open at a time
                self.levels.remove(level)
                level.close()

    def _place(self, level: _Level, name: str) -> None:
        self.check()
        try:
            # Each turn answers what changed in the target since the one before.
            if not any(self._put(level.source, level.target, level.below / name) for _ in range(_LOOKS)):
                raise FileExistsError(errno.EEXIST, "it does not stop changing", level.target.path / name)
        except OSError as error:
            if self.dry:
                raise
            self._fail(level, level.below / name, error)

    def _put(self, source: Folder, target: Folder, path: PurePath) -> bool:
        """False if somebody changed the place between our look and our act."""
        there, is_folder = target.status(path.name), _is_folder(source, path.name)
        if there is None:
            return self.dry or self._rename(source, target, path.name, path.name)
        if is_folder and stat.S_ISDIR(there.st_mode):
            return self._enter(source, target, path)
        if self.suffix is None:
            self._leave(source, path, there)
            return True
        return self._beside(source, target, path)

    def _enter(self, source: Folder, target: Folder, path: PurePath) -> bool:
        # It stays in the staging folder, so its mode is nobody's; files can't leave a read-only one.
        make_writable(source.pinned / path.name, stat.S_IRUSR | stat.S_IXUSR if self.dry else stat.S_IRWXU)
        with ExitStack() as opened:
            try:
                theirs = opened.enter_context(target.enter(path.name))
            except (FileNotFoundError, NotADirectoryError):
                return False
            ours = opened.enter_context(source.enter(path.name))
            self.levels.append(_Level(ours, theirs, path, sorted(ours.names(), reverse=True)))
            opened.pop_all()
        return True

    def _beside(self, source: Folder, target: Folder, path: PurePath) -> bool:
        """The intent is on disk before the rename, so that the report after a crash still names it."""
        name = free_name(path.name, self.suffix or "", lambda other: target.status(other) is not None)
        if self.recorded < RENAMED_AT_MOST:
            self.recorded += 1
            with self.staging.renamed.open("ab") as record:
                record.write(os.fsencode(path) + b"\0" + os.fsencode(path.with_name(name)) + b"\0")
                record.flush()
                os.fsync(record.fileno())
        return self._rename(source, target, path.name, name)

    def _rename(self, source: Folder, target: Folder, name: str, new_name: str) -> bool:
        try:
            _rename(source, target, name, new_name)
        except FileExistsError:
            return False
        return True

    def _leave(self, source: Folder, path: PurePath, there: os.stat_result) -> None:
        theirs = self.staging.target / path
        if len(self.moved.in_the_way) < _EXAMPLES:
            self.moved.in_the_way.append(WirePath.from_fs(os.fspath(theirs)))
        reason = _mismatch(_is_folder(source, path.name), there.st_mode, os.fspath(theirs))
        for entry, status in _below(source, path):
            self._leave_one(status)
            if reason is not None:
                is_folder = stat.S_ISDIR(status.st_mode)
                self.moved.left_out += not is_folder
                self._name(entry, reason, told=not is_folder or entry == path)

    def _fail(self, level: _Level, path: PurePath, error: OSError) -> None:
        """The system did not let it be put at its place; what is below it stays with it."""
        why = f"{self.staging.target / path}: {error.strerror}"
        self.moved.first_failure = self.moved.first_failure or why
        left = [(path, None)] if level.source.status(path.name) is None else _below(level.source, path)
        for entry, status in left:
            is_folder = status is not None and stat.S_ISDIR(status.st_mode)
            self._leave_one(status)
            self.moved.left_out += not is_folder
            self.moved.failed += not is_folder
            self._name(
                entry,
                f"not put at its place: {why}",
                told=not is_folder or entry == path,
                code="restore_failed",
            )

    def _leave_one(self, status: os.stat_result | None) -> None:
        """None: somebody took it out of the staging folder."""
        self.moved.left += status is None or not stat.S_ISDIR(status.st_mode)
        if status is not None and stat.S_ISREG(status.st_mode):
            self._leave_bytes(status)

    def _name(
        self,
        entry: PurePath,
        reason: str,
        *,
        told: bool,
        code: Literal["left_out", "restore_failed"] = "left_out",
    ) -> None:
        if told and len(self.moved.named) < NAMED_AT_MOST:
            self.moved.named.append(LeftOut(WirePath.from_fs(f"/{entry}"), reason, code))

    def _leave_bytes(self, status: os.stat_result) -> None:
        """A file with several names was written once; it is left when all of them are."""
        self.moved.left_regular += 1
        self.links[status.st_ino] += 1
        if self.links[status.st_ino] == status.st_nlink:
            self.moved.left_bytes += status.st_size


def _mismatch(is_folder: bool, mode: int, theirs: str) -> str | None:
    """Why what is there is no older version of the file that could be kept instead."""
    shown = WirePath.from_fs(theirs).text
    if is_folder:
        kind = "a symbolic link" if stat.S_ISLNK(mode) else "a file"
        return f"left out: {kind} stands at {shown}, where the snapshot has a folder"
    return (
        f"left out: a folder stands at {shown}, where the snapshot has a file" if stat.S_ISDIR(mode) else None
    )


def _below(source: Folder, path: PurePath) -> Iterator[tuple[PurePath, os.stat_result]]:
    """What is called so, and everything below it."""
    top = source.pinned / path.name
    yield path, top.lstat()
    if _is_folder(source, path.name):
        for entry in entries(top):
            yield path / entry.relative_to(top), entry.lstat()


def _really_renamed(staging: Staging) -> list[WirePath]:
    """Intents that were carried out: the source is gone, the new name is there. The last one of a source counts."""
    names = [os.fsdecode(name) for name in read_names(staging.renamed)]
    places = dict(zip(names[::2], names[1::2], strict=False))
    done = [
        place
        for ours, place in places.items()
        if not os.path.lexists(staging.files / ours) and os.path.lexists(staging.place / place)
    ]
    return [WirePath.from_fs(os.fspath(staging.target / place)) for place in done[:RENAMED_AT_MOST]]


def _rename(source: Folder, target: Folder, name: str, new_name: str) -> None:
    """A folder's own `..` changes with it, which its owner may not do while the folder is read-only."""
    try:
        source.move(name, target, new_name)
    except PermissionError:
        mode = stat.S_IMODE(_status(source, name).st_mode)
        if not _is_folder(source, name) or mode & stat.S_IWUSR:
            raise
        make_writable(source.pinned / name)
        with source.enter(name) as folder:
            try:
                source.move(name, target, new_name)
            finally:
                folder.set_mode(mode)


def _status(folder: Folder, name: str) -> os.stat_result:
    status = folder.status(name)
    if status is None:
        raise FileNotFoundError(0, "it was taken away while files were moved", folder.path / name)
    return status


def _is_folder(folder: Folder, name: str) -> bool:
    return stat.S_ISDIR(_status(folder, name).st_mode)
