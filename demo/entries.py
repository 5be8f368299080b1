"""What is on a disk: one record for each entry below a folder, read with `lstat`, `scandir` and `read` alone.

Entries come in one order, fixed for any two trees with the same names: a folder before what is in it, the
names in a folder by their bytes. That lets two trees be compared without holding either in memory.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from demo.errors import ManifestError

Kind = Literal["file", "folder", "symlink", "fifo", "socket", "device"]

ROOT = b"."
_KINDS: dict[int, Kind] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFBLK: "device",
    stat.S_IFCHR: "device",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `path` is relative to the tree, `.` is its root.

    `mode` holds the twelve permission bits. `link` is the first path, in the order of the walk, of the
    inode that an entry with more than one name has; None for an inode with one name. `size`, `sha256`
    (hexadecimal) and `holes` are of regular files, `target` of symlinks. An entry that is not `readable`
    has no content, no attributes and, if a folder, nothing below it."""

    path: bytes
    kind: Kind
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    readable: bool = True
    size: int | None = None
    sha256: str | None = None
    holes: bool | None = None
    target: bytes | None = None
    link: bytes | None = None
    xattrs: dict[bytes, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reader:
    """The ordinary user a backup runs as, and all groups of that user."""

    uid: int
    gids: frozenset[int]

    def may(self, found: os.stat_result, wanted: int) -> bool:
        """Whether the mode bits give this user the bits of `wanted` (os.R_OK, os.X_OK); user 0 may all.

        As the kernel does it: the owner's bits count for the owner even where others may more. Access
        control lists are not looked at: the tree of the demonstration has none."""
        if self.uid == 0:
            return True
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid in self.gids else 0
        return (found.st_mode >> shift) & wanted == wanted


def order(path: bytes) -> tuple[bytes, ...]:
    """The key that sorts paths in the order of `walk`."""
    return () if path == ROOT else tuple(path.split(b"/"))


def walk(root: bytes, reader: Reader | None = None) -> Iterator[Entry]:
    """All entries of the tree `root`, itself first, with the contents of files hashed in bounded memory.

    What is unreadable depends on who reads. Without `reader` it is this process, and the kernel is asked
    (`faccessat`). With `reader` it is that user, worked out from mode bits: root, who makes the manifest
    of the demonstration, can read everything and would learn nothing by asking. Then this process must
    itself be able to read what the user can. Raises ManifestError when the tree changes under the walk,
    and OSError as the system does."""
    names: dict[tuple[int, int], bytes] = {}
    waiting = [ROOT]
    while waiting:
        path = waiting.pop()
        entry = _describe(root, path, reader, names)
        yield entry
        if entry.kind == "folder" and entry.readable:
            below = b"" if path == ROOT else path + b"/"
            waiting.extend(below + name for name in _names(_absolute(root, path)))


def _describe(root: bytes, path: bytes, reader: Reader | None, names: dict[tuple[int, int], bytes]) -> Entry:
    absolute = _absolute(root, path)
    found = os.lstat(absolute)
    kind = _KINDS[stat.S_IFMT(found.st_mode)]
    readable = _is_readable(absolute, found, kind, reader)
    size = sha256 = holes = link = None
    if kind == "file":
        size = found.st_size
        if readable:
            sha256, holes = _content(absolute, found)
    if kind != "folder" and found.st_nlink > 1:
        link = names.setdefault((found.st_dev, found.st_ino), path)
    return Entry(
        path=path,
        kind=kind,
        mode=stat.S_IMODE(found.st_mode),
        uid=found.st_uid,
        gid=found.st_gid,
        mtime_ns=found.st_mtime_ns,
        readable=readable,
        size=size,
        sha256=sha256,
        holes=holes,
        target=os.readlink(absolute) if kind == "symlink" else None,
        link=link,
        xattrs=_xattrs(absolute) if readable else {},
    )


def _absolute(root: bytes, path: bytes) -> bytes:
    return root if path == ROOT else root + b"/" + path


def _names(folder: bytes) -> list[bytes]:
    with os.scandir(folder) as found:
        return sorted((entry.name for entry in found), reverse=True)  # the last one is taken first


def _is_readable(absolute: bytes, found: os.stat_result, kind: Kind, reader: Reader | None) -> bool:
    if kind not in {"file", "folder"}:
        return True  # nobody opens a pipe or a symlink to back it up
    wanted = os.R_OK | (os.X_OK if kind == "folder" else 0)
    if reader is not None and not reader.may(found, wanted):
        return False
    here = os.access(absolute, wanted, effective_ids=True)
    if reader is not None and not here:
        raise ManifestError(
            f"{os.fsdecode(absolute)!r} can be read by uid {reader.uid} but not by this process: "
            "make the manifest as root or as that user"
        )
    return here


def _content(absolute: bytes, before: os.stat_result) -> tuple[str, bool]:
    """SHA-256 of a file, and whether a part of it takes no space (SEEK_HOLE, 1 GiB or 1 byte alike)."""
    with open(absolute, "rb", buffering=0) as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()
        holes = os.lseek(data.fileno(), 0, os.SEEK_HOLE) < before.st_size if before.st_size else False
        after = os.fstat(data.fileno())
    if (before.st_ino, before.st_size, before.st_mtime_ns) != (
        after.st_ino,
        after.st_size,
        after.st_mtime_ns,
    ):
        raise ManifestError(
            f"{os.fsdecode(absolute)!r} changed while it was read: nothing may write to the tree"
        )
    return digest, holes


def _xattrs(absolute: bytes) -> dict[bytes, bytes]:
    listed = sorted(os.listxattr(absolute, follow_symlinks=False))
    return {os.fsencode(name): os.getxattr(absolute, name, follow_symlinks=False) for name in listed}
