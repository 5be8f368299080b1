"""Where a restore may write."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePath

from sbs_agent.errors import refuse
from sbs_protocol.events import ErrorCode


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
