"""Trying a folder before anything depends on it: each step by itself, so that one can say which one failed.

These functions block; `places` runs them in threads.
"""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sbs_server.kit.errors import FieldProblem, InvalidError, invalid
from sbs_server.repositories.markers import MARKER, Marker, read_marker, sync_folder, write_marker
from sbs_server.repositories.paths import FIELD, Place

_PROBE = ".sbs-probe"
_IGNORED = {MARKER, f"{MARKER}.new", "lost+found"}
_SIGNS_OF_RESTIC = ("config", "keys", "snapshots")
_CODES = {
    errno.EROFS: "repository.path_read_only",
    errno.EACCES: "repository.path_not_writable",
    errno.EPERM: "repository.path_not_writable",
    errno.ENOSPC: "repository.path_full",
    errno.EDQUOT: "repository.path_full",
    errno.ENOENT: "repository.path_missing",
    errno.ENOTDIR: "repository.path_not_folder",
    errno.ELOOP: "repository.path_link",
}


class Step(StrEnum):
    """What is tried before a folder is taken, in this order."""

    REACH = "reach"  # the storage root is there, no links on the way, no repository above
    EMPTY = "empty"
    CREATE = "create"
    WRITE = "write"
    READ_BACK = "read_back"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Space:
    free_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Trial:
    """How far a trial came. `problem` is that of the step in `failed`."""

    done: list[Step]
    failed: Step | None
    problem: FieldProblem | None
    space: Space | None


def take(place: Place, marker: Marker) -> Space:
    """Tries the folder, creating it where needed, and leaves the mark in it.

    Raises InvalidError; the folders it had made are gone then.
    """
    created: list[Path] = []
    try:
        for _, work in _steps(place, created):
            work()
        with explained(place.path):
            write_marker(place.path, marker)
            return usage(place.path)
    except BaseException:
        _remove(created)
        raise


def try_out(place: Place) -> Trial:
    """Does what `take` would do, and leaves nothing behind."""
    created: list[Path] = []
    done: list[Step] = []
    space = None
    try:
        for step, work in _steps(place, created):
            work()
            done.append(step)
            space = usage(place.path) if step is Step.CREATE else space
        return Trial(done, None, None, space)
    except InvalidError as error:
        return Trial(done, list(Step)[len(done)], error.fields[0], space)
    finally:
        _remove(created)


def is_folder(path: Path) -> bool:
    """Whether there is a folder; False: nothing is there. Raises InvalidError for links and files, OSError."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISLNK(mode):
        raise invalid(FIELD, "repository.path_link", path=str(path))
    if not stat.S_ISDIR(mode):
        raise invalid(FIELD, "repository.path_not_folder", path=str(path))
    return True


def usage(path: Path) -> Space:
    """The space of the disk below a folder. Raises OSError."""
    found = shutil.disk_usage(path)
    return Space(found.free, found.total)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what the operating system says into an error on the field."""
    try:
        yield
    except OSError as error:
        code = _CODES.get(error.errno or 0, "repository.path_failed")
        problem = os.strerror(error.errno) if error.errno else str(error)
        raise invalid(FIELD, code, path=str(path), problem=problem) from error


def _steps(place: Place, created: list[Path]) -> Iterator[tuple[Step, Callable[[], None]]]:
    probe = place.path / f"{_PROBE}-{os.urandom(8).hex()}"
    content = os.urandom(4096)
    yield Step.REACH, lambda: _reach(place)
    yield Step.EMPTY, lambda: _check_empty(place.path)
    yield Step.CREATE, lambda: _create(place, created)
    yield Step.WRITE, lambda: _write(probe, content)
    yield Step.READ_BACK, lambda: _read_back(probe, content)
    yield Step.DELETE, lambda: _delete(probe)


def _reach(place: Place) -> None:
    with explained(place.root):
        if not place.root.is_dir():
            place.root.stat()
            raise invalid(FIELD, "repository.path_not_folder", path=str(place.root))
    for folder in [*place.ancestors, place.path]:
        with explained(folder):
            if not is_folder(folder):
                return
            if folder != place.path and (read_marker(folder) is not None or _looks_like_restic(folder)):
                raise invalid(FIELD, "repository.path_nested", path=str(folder))
    if Path(os.path.realpath(place.path)) != place.path:  # a link that came while we looked
        raise invalid(FIELD, "repository.path_link", path=str(place.path))


def _check_empty(path: Path) -> None:
    with explained(path):
        if not is_folder(path):
            return
        if _looks_like_restic(path):
            raise invalid(FIELD, "repository.path_holds_restic", path=str(path))
        for entry in path.iterdir():
            if entry.name not in _IGNORED and not entry.name.startswith(_PROBE):
                raise _held_by(path, entry)


def _held_by(path: Path, entry: Path) -> InvalidError:
    if entry.is_dir() and not entry.is_symlink():
        if _looks_like_restic(entry):
            return invalid(FIELD, "repository.path_holds_restic", path=str(entry))
        if read_marker(entry) is not None:
            return invalid(FIELD, "repository.path_around", path=str(entry))
    shown = os.fsencode(entry.name).decode("utf-8", "replace")
    return invalid(FIELD, "repository.path_holds_other", path=str(path), example=shown)


def _looks_like_restic(folder: Path) -> bool:
    return all(os.path.lexists(folder / name) for name in _SIGNS_OF_RESTIC)


def _create(place: Place, created: list[Path]) -> None:
    for folder in [*place.ancestors, place.path]:
        with explained(folder):
            try:
                folder.mkdir(mode=0o750)
            except FileExistsError:
                continue
            created.append(folder)
            sync_folder(folder.parent)


def _remove(created: Sequence[Path]) -> None:
    for folder in reversed(created):
        with suppress(OSError):  # somebody has put something into it meanwhile: then it stays
            folder.rmdir()


def _write(probe: Path, content: bytes) -> None:
    fresh = probe.with_name(f"{probe.name}.new")
    with explained(probe.parent), _removed_on_failure(fresh):
        with fresh.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(probe)
        sync_folder(probe.parent)


def _read_back(probe: Path, content: bytes) -> None:
    with explained(probe.parent), _removed_on_failure(probe):
        if probe.read_bytes() != content:
            raise invalid(FIELD, "repository.path_unreliable", path=str(probe.parent))


def _delete(probe: Path) -> None:
    with explained(probe.parent):
        probe.unlink()
        if os.path.lexists(probe):
            raise invalid(FIELD, "repository.path_unreliable", path=str(probe.parent))


@contextmanager
def _removed_on_failure(file: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(OSError):
            file.unlink(missing_ok=True)
        raise
