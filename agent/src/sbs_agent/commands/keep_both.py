"""Keep both: a restored file that meets another of its name gets a suffix, and the other is never touched."""

import hashlib
import os
import shutil
import stat
from datetime import datetime
from itertools import count
from pathlib import Path, PurePath

from sbs_protocol.paths import WirePath

_LONGEST_NAME_BYTES = 255


class Staging:
    """A folder below the target, so on its file system: moving out of it is only renaming.

    Its name comes from the command, so that what a killed agent left is found again.
    """

    def __init__(self, target: Path, command_id: str) -> None:
        digest = hashlib.sha256(command_id.encode()).hexdigest()[:12]
        self._target = target
        self.folder = target / f".sbs-restore-{digest}"
        self._suffix = f" (restored {datetime.now().astimezone():%Y-%m-%d %H.%M.%S})"
        self._renamed: list[WirePath] = []

    def create(self) -> None:
        """Raises `OSError`."""
        self.remove()
        self.folder.mkdir(mode=0o700)

    def remove(self) -> None:
        """What is left after moving is folders that were already there. Raises `OSError`."""
        if self.folder.is_symlink() or not self.folder.exists():
            return  # a link of that name is not ours
        shutil.rmtree(self.folder)

    def move_into_place(self) -> list[WirePath]:
        """Give the names that got a suffix. Raises `OSError`."""
        self._merge(self.folder, self._target)
        return self._renamed

    def _merge(self, source: Path, target: Path) -> None:
        for ours in sorted(source.iterdir()):
            theirs = target / ours.name
            there = _mode(theirs)
            if there is None:
                ours.rename(theirs)
            elif _is_folder(ours) and stat.S_ISDIR(there):
                self._merge(ours, theirs)
            else:
                beside = _free_name(theirs, self._suffix)
                ours.rename(beside)
                self._renamed.append(WirePath.from_fs(os.fspath(beside)))


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return None


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _free_name(taken: Path, suffix: str) -> Path:
    """`a.txt` becomes `a (restored …).txt`; a number is added while that is taken too."""
    names = (with_suffix(taken.name, suffix if number == 1 else f"{suffix} {number}") for number in count(1))
    return next(taken.with_name(name) for name in names if not os.path.lexists(taken.with_name(name)))


def with_suffix(name: str, suffix: str) -> str:
    """Put the suffix before the extension; the stem gives way where the whole would be too long a name."""
    stem, extension = PurePath(name).stem, PurePath(name).suffix
    room = _LONGEST_NAME_BYTES - len(os.fsencode(suffix + extension))
    while stem and len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return f"{stem}{suffix}{extension}"
