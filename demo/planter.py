"""Puts single entries into a folder, each with the owner, mode, times and attributes it is to keep."""

import errno
import os
import stat
from collections.abc import Iterable, Mapping

from demo.dice import Dice
from demo.errors import TreeError

_YEAR_2015_S = 1_420_070_400
_TEN_YEARS_S = 315_360_000


class Planter:
    """Makes entries below `root`; `finish` must be called last.

    Paths are relative to `root`. Folders get their mode and mtime in `finish`: a folder's mtime moves
    with each name put into it, and a mode of 000 or 0555 would stop an ordinary user from putting
    anything there."""

    def __init__(self, root: bytes, seed: int, uid: int | None = None, gid: int | None = None) -> None:
        if (uid is None) != (gid is None):
            raise TreeError("an owner is a uid and a gid: give both or neither")
        if uid is not None and os.geteuid() not in {0, uid}:
            raise TreeError(f"only root or uid {uid} can make files for uid {uid}, not uid {os.geteuid()}")
        self.root = root
        self.seed = seed
        self.owner = None if uid is None or gid is None else (uid, gid)
        self.refused: set[str] = set()
        self.unreadable: list[bytes] = []
        self.files = self.folders = self.size_bytes = 0
        self._folders: dict[bytes, tuple[int | None, int]] = {}

    def path(self, name: bytes) -> bytes:
        """The path to use in system calls."""
        return os.path.join(self.root, name) if name != b"." else self.root

    def mtime_ns(self, name: bytes) -> int:
        """A moment between 2015 and 2024 with a part below the second, the same for a name and a seed."""
        dice = Dice(self.seed, "mtime", name)
        return (_YEAR_2015_S + dice.below(_TEN_YEARS_S)) * 1_000_000_000 + dice.below(1_000_000_000)

    def folder(self, name: bytes, mode: int = 0o755, mtime_ns: int | None = None) -> bytes:
        """Makes a folder (the parent must be there) and gives its name back."""
        if name != b".":
            os.mkdir(self.path(name), 0o700)
        self._own(name)
        self.folders += 1
        self._folders[name] = (mode, self.mtime_ns(name) if mtime_ns is None else mtime_ns)
        return name

    def retouch(self, name: bytes) -> None:
        """Gives a folder of before a known mtime at the end, whatever is done in it until then."""
        self._folders.setdefault(name, (None, self.mtime_ns(name)))

    def file(
        self, name: bytes, pieces: Iterable[bytes], mode: int = 0o644, mtime_ns: int | None = None
    ) -> bytes:
        """Makes a regular file of `pieces`; a piece of zero bytes is written as data, never as a hole."""
        with open(self.path(name), "xb") as out:
            out.writelines(pieces)
            self._count(out.tell())
        return self.settle(name, mode, mtime_ns)

    def sparse(self, name: bytes, size_bytes: int, extents: Mapping[int, bytes]) -> bytes:
        """Makes a file with holes: `extents` at their offsets, nothing between and after them."""
        with open(self.path(name), "xb") as out:
            out.truncate(size_bytes)
            for offset, data in extents.items():
                out.seek(offset)
                out.write(data)
        self._count(size_bytes)
        return self.settle(name, 0o644)

    def settle(self, name: bytes, mode: int, mtime_ns: int | None = None) -> bytes:
        """Owner, mode and times of anything but a folder or symlink, in the order that keeps each of them."""
        self._own(name)  # first: chown clears setuid and setgid
        os.chmod(self.path(name), mode)
        self.age(name, mtime_ns)
        return name

    def age(self, name: bytes, mtime_ns: int | None = None) -> None:
        """Sets the mtime (and atime) of anything but a folder, a symlink's own one included."""
        moment = self.mtime_ns(name) if mtime_ns is None else mtime_ns
        os.utime(self.path(name), ns=(moment, moment), follow_symlinks=False)

    def symlink(self, name: bytes, target: bytes) -> bytes:
        """Makes a symlink that holds `target` as it is."""
        os.symlink(target, self.path(name))
        self._own(name)
        self.age(name)
        return name

    def hard_link(self, name: bytes, existing: bytes) -> bytes:
        """Gives the file `existing` one more name."""
        os.link(self.path(existing), self.path(name))
        self._count(os.lstat(self.path(name)).st_size)
        return name

    def locked_file(self, name: bytes) -> bytes:
        """Makes a file that nobody but root can read."""
        self.unreadable.append(name)
        return self.file(name, Dice(self.seed, name).prose(500), mode=0)

    def locked_folder(self, name: bytes) -> bytes:
        """Makes a folder that nobody but root can enter once `finish` was called."""
        self.unreadable.append(name)
        return self.folder(name, mode=0)

    def fifo(self, name: bytes, mode: int = 0o644) -> bytes:
        """Makes a named pipe."""
        os.mkfifo(self.path(name), 0o600)
        return self.settle(name, mode)

    def xattr(self, name: bytes, attributes: Mapping[bytes, bytes]) -> bool:
        """Sets attributes; False, and a line in `refused`, where the file system has none."""
        try:
            for key, value in attributes.items():
                os.setxattr(self.path(name), key, value)
        except OSError as error:
            if error.errno not in {errno.ENOTSUP, errno.EOPNOTSUPP}:
                raise
            self.refused.add(f"extended attributes: {os.strerror(error.errno)}")
            return False
        return True

    def finish(self) -> None:
        """Modes and times of the folders, deepest first: none is touched after it was finished."""
        for name in sorted(self._folders, key=_depth, reverse=True):
            mode, mtime_ns = self._folders[name]
            path = self.path(name)
            os.utime(path, ns=(mtime_ns, mtime_ns))
            if mode is not None and stat.S_IMODE(os.lstat(path).st_mode) != mode:
                os.chmod(path, mode)
        self._folders.clear()

    def _count(self, size_bytes: int) -> None:
        self.files += 1
        self.size_bytes += size_bytes

    def _own(self, name: bytes) -> None:
        if self.owner is not None and os.geteuid() == 0:
            os.lchown(self.path(name), *self.owner)


def _depth(name: bytes) -> int:
    return 0 if name == b"." else 1 + name.count(b"/")
