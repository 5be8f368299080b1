"""From the staging folder to the places: one rename for each file, or for each folder that is not there yet.

What has been moved is no longer in the staging folder, so a move that was interrupted is simply gone on with.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sbs_agent.commands.keep_both import free_name
from sbs_agent.commands.restore_staging import Staging, entries, make_writable, read_names
from sbs_protocol.paths import WirePath

RENAMED_AT_MOST: Final = 1000
_EXAMPLES: Final = 100


@dataclass(slots=True)
class Moved:
    """`left` counts what stayed in the staging folder because its place is taken, `left_regular` the files of it.

    `in_the_way` holds examples of what took the places, `renamed` of what got a suffix.
    """

    left: int = 0
    left_regular: int = 0
    in_the_way: list[WirePath] = field(default_factory=list)
    renamed: list[WirePath] = field(default_factory=list)


def move_into_place(staging: Staging, suffix: str | None, check: Callable[[], None]) -> Moved:
    """With a suffix, what meets another of its name gets it; without one it stays in the staging folder.

    `check` is called for each file and may raise to stop. Raises `OSError`.
    """
    move = _Move(staging, suffix, check)
    move.merge(staging.files, staging.target)
    move.moved.renamed = _really_renamed(staging)
    return move.moved


def look_ahead(staging: Staging, check: Callable[[], None]) -> Moved:
    """What would stay if everything were moved now; nothing is. Raises `OSError`."""
    move = _Move(staging, None, check, dry=True)
    move.merge(staging.files, staging.target)
    return move.moved


@dataclass(slots=True)
class _Move:
    staging: Staging
    suffix: str | None
    check: Callable[[], None]
    dry: bool = False
    moved: Moved = field(default_factory=Moved)
    recorded: int = 0

    def merge(self, source: Path, target: Path) -> None:
        # It stays in the staging folder, so its mode is nobody's; files can't leave a read-only one.
        make_writable(source, stat.S_IRUSR | stat.S_IXUSR if self.dry else stat.S_IRWXU)
        for ours in sorted(source.iterdir()):
            self.check()
            theirs = target / ours.name
            there = _mode(theirs)
            if there is None:
                if not self.dry:
                    _rename(ours, theirs)
            elif _is_folder(ours) and stat.S_ISDIR(there):
                self.merge(ours, theirs)
            elif self.suffix is not None:
                self._beside(ours, free_name(theirs, self.suffix))
            else:
                self._leave(ours, theirs)

    def _beside(self, ours: Path, place: Path) -> None:
        """The intent is on disk before the rename, so that the report after a crash still names it."""
        if self.recorded < RENAMED_AT_MOST:
            self.recorded += 1
            with self.staging.renamed.open("ab") as record:
                record.write(os.fsencode(ours) + b"\0" + os.fsencode(place) + b"\0")
                record.flush()
                os.fsync(record.fileno())
        _rename(ours, place)

    def _leave(self, ours: Path, theirs: Path) -> None:
        if len(self.moved.in_the_way) < _EXAMPLES:
            self.moved.in_the_way.append(WirePath.from_fs(os.fspath(theirs)))
        below = entries(ours) if _is_folder(ours) else [ours]
        modes = [mode for entry in below if (mode := _mode(entry)) is not None and not stat.S_ISDIR(mode)]
        self.moved.left += len(modes)
        self.moved.left_regular += sum(stat.S_ISREG(mode) for mode in modes)


def _really_renamed(staging: Staging) -> list[WirePath]:
    """Intents that were carried out: the source is gone, the new name is there. The last one of a source counts."""
    names = list(read_names(staging.renamed))
    places = dict(zip(names[::2], names[1::2], strict=False))
    done = [place for ours, place in places.items() if not os.path.lexists(ours) and os.path.lexists(place)]
    return [WirePath.from_bytes(place) for place in done[:RENAMED_AT_MOST]]


def _rename(ours: Path, theirs: Path) -> None:
    """A folder's own `..` changes with it, which its owner may not do while the folder is read-only."""
    try:
        ours.rename(theirs)
    except PermissionError:
        mode = stat.S_IMODE(ours.lstat().st_mode)
        if not _is_folder(ours) or mode & stat.S_IWUSR:
            raise
        ours.chmod(mode | stat.S_IWUSR)
        ours.rename(theirs)
        theirs.chmod(mode)


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return None


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
