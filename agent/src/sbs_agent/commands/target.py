"""Where a restore may write."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePath

from sbs_agent.errors import refuse
from sbs_protocol.events import ErrorCode

_MOST_LINKS = 40  # as Linux follows


@dataclass(frozen=True, slots=True)
class Target:
    """`path` has no symbolic link in it; `nearest` is the folder above it (or itself) that exists."""

    path: Path
    nearest: Path

    @property
    def free_bytes(self) -> int:
        return shutil.disk_usage(self.nearest).free


def check_target(folder: str, forbidden: tuple[Path, ...]) -> Target:
    """The folder as a place to write to; nothing is created yet.

    Raises:
        CommandError: TARGET_NOT_ALLOWED or TARGET_NOT_WRITABLE, with what would be right.
    """
    given = PurePath(folder)
    if not given.is_absolute() or "\0" in folder or ".." in given.parts:
        refuse(
            ErrorCode.TARGET_NOT_ALLOWED,
            f"the target folder {folder!r} is not a plain absolute path: give one without '..', like /srv/restored",
        )
    _refuse_links_of_others(Path(given), folder)
    path = Path(os.path.realpath(given))
    if path.parent == path:
        refuse(
            ErrorCode.TARGET_NOT_ALLOWED,
            "the target folder is the root of the file system: give a folder in it",
        )
    for place in forbidden:
        real = Path(os.path.realpath(place))
        if path == real or real in path.parents:
            refuse(
                ErrorCode.TARGET_NOT_ALLOWED,
                f"the target folder {folder!r} lies in {place}, which is not for data",
            )
    nearest = _nearest(path, folder)
    if not os.access(nearest, os.W_OK | os.X_OK):
        refuse(
            ErrorCode.TARGET_NOT_WRITABLE,
            f"the agent may not write to {str(nearest)!r} (for the target {folder!r}): choose another folder",
        )
    return Target(path, nearest)


def _refuse_links_of_others(path: Path, folder: str) -> None:
    """A link that another account may turn elsewhere would choose the target in the administrator's place."""
    for _ in range(_MOST_LINKS):
        link = next((p for p in (*reversed(path.parents), path) if _is_link(p)), None)
        if link is None:
            return
        if hasattr(os, "geteuid") and link.lstat().st_uid not in {0, os.geteuid()}:
            refuse(
                ErrorCode.TARGET_NOT_ALLOWED,
                f"on the way to the target folder {folder!r}, {str(link)!r} is a symbolic link of another account,"
                f" who may turn it elsewhere: give the folder that is meant, now {os.path.realpath(folder)!r}",
            )
        path = Path(os.path.normpath(link.parent / link.readlink() / path.relative_to(link)))


def _nearest(path: Path, folder: str) -> Path:
    for place in (path, *path.parents):
        if _is_folder(place):
            return place
        if os.path.lexists(place):
            refuse(
                ErrorCode.TARGET_NOT_WRITABLE,
                f"the target folder {folder!r} cannot be made: {str(place)!r} is not a folder",
            )
    return path.parents[-1]


def _is_folder(place: Path) -> bool:
    """False too for what we may not look at: then a folder above it is closed to us, and that one is named."""
    try:
        return place.is_dir()
    except PermissionError:
        return False


def _is_link(place: Path) -> bool:
    """False for what we may not look at, as above."""
    try:
        return place.is_symlink()
    except PermissionError:
        return False
