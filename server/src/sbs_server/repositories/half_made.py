"""What a restic repository that could not be made leaves behind, and whether it was for want of room.

These functions block; `restic` runs them in threads.
"""

import errno
import os
import tempfile
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT}
# restic begins a repository with 258 folders and two small files: about so much where folders have blocks of 4 KiB.
_NEEDED_BYTES = 2 << 20


def has_no_room(folder: Path) -> bool:
    """Whether the disk below a folder (which need not exist) lacks the room for a new repository; tried, not asked:
    quotas and a want of inodes are found too."""
    there = next(one for one in (folder, *folder.parents) if one.is_dir())
    try:
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(bytes(_NEEDED_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return error.errno in _FULL
    return False


def clear(folder: Path) -> None:
    """Removes the keys of a repository that never got its config; raises OSError.

    restic makes a new master key each time it begins, and the same password opens the key of either: with the old one
    left there the repository could not be read.
    """
    kept = [folder / name for name in ("config", "snapshots", "index", "data")]
    if any(path.is_file() for one in kept for path in (one, *one.glob("**/*"))):
        return
    for key in folder.glob("keys/*"):
        key.unlink()
