"""Where a restore writes before its files get to their places: a folder below the target, on the same file system.

Whatever is in it is ours, whatever lies in the target is somebody's: that needs no list of files, however often the
restore is interrupted. Getting a file to its place is one rename, so no half-written file is ever seen there.

::

    .sbs-restore-<digest of the command's id>/
        files/     what restic has written, paths as in the snapshot
        kept       skip: files that are already in the target (relative, each ended by NUL); an empty file stands for
                   each in files/, so that restic does not fetch it
        renamed    keep both: what got a suffix: source and new place, each ended by NUL, written before the rename
"""

import ctypes
import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Older than anything that is really restored, and within what file systems can store (2^31 seconds before 1970).
OLDEST_MTIME_S = -(2**31) + 86400


class Staging:
    """Its name comes from the command, so that what a killed agent left is found again.

    All methods raise `OSError`.
    """

    def __init__(self, target: Path, command_id: str) -> None:
        digest = hashlib.sha256(command_id.encode()).hexdigest()[:12]
        self.target = target
        self.folder = target / f".sbs-restore-{digest}"
        self.files = self.folder / "files"
        self.renamed = self.folder / "renamed"
        self._kept = self.folder / "kept"

    def create(self) -> None:
        """Also takes over what an earlier attempt left; not what somebody else put there to lead us elsewhere."""
        if self.folder.is_symlink():
            raise FileExistsError(
                errno.EEXIST, "a link stands where restored files are to be kept", self.folder
            )
        if self.folder.exists() and not _is_ours(self.folder):
            self.remove()
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.files.mkdir(mode=0o700, exist_ok=True)

    def exists(self) -> bool:
        return self.files.is_dir() and not self.folder.is_symlink()

    def remove(self) -> None:
        remove_folder(self.folder)

    def make_writable(self) -> None:
        """Folders that the snapshot has as read-only must take files again."""
        _make_writable(self.files)

    def age(self) -> None:
        """Make everything in it older than the snapshot has it: `--overwrite if-newer` then looks at its content.

        Links and the like have no content to keep, they are made again.
        """
        for path in entries(self.files):
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                continue
            if stat.S_ISREG(mode):
                no_link = os.utime in os.supports_follow_symlinks
                os.utime(path, (OLDEST_MTIME_S, OLDEST_MTIME_S), follow_symlinks=not no_link)
                if path.lstat().st_mtime <= OLDEST_MTIME_S:
                    continue  # the file system could store it
            path.unlink()

    def empty(self) -> None:
        self.remove()
        self.create()

    def flush(self) -> None:
        """What was verified is on the disk when this returns: after a power cut nobody verifies it again."""
        _flush_file_system(self.target)

    def used_bytes(self) -> int:
        """What its files already take of the disk; 0 if it is not there."""
        return sum(allocated_bytes(path.lstat()) for path in entries(self.files))

    def keep(self, paths: Iterable[bytes]) -> None:
        """Put an empty file where the target has one that stays. The list is on disk before the first of them."""
        with self._kept.open("wb") as kept:
            for path in paths:
                kept.write(path + b"\0")
            kept.flush()
            os.fsync(kept.fileno())
        for path in self._read_kept():
            place = self.files / os.fsdecode(path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True)
            place.touch(mode=0o600, exist_ok=False)

    def forget_kept(self) -> tuple[int, list[bytes]]:
        """Take the empty files away again.

        Give how many files stay as they are, and the snapshot's paths that must be fetched after all: the one in
        the target has gone since, or restic made the path a hard link to one of the empty files.
        """
        kept = 0
        missing: list[bytes] = []
        inodes: set[int] = set()
        for path in self._read_kept():
            place = self.files / os.fsdecode(path)
            with writable(place.parent):
                if os.path.lexists(place):
                    status = place.lstat()
                    if status.st_nlink > 1:
                        inodes.add(status.st_ino)
                    place.unlink()
            if os.path.lexists(self.target / os.fsdecode(path)):
                kept += 1
            else:
                missing.append(b"/" + path)
        missing += self._linked_to(inodes) if inodes else []
        for path in missing:  # restic gives the folders back their modes
            make_writable(self.files / os.fsdecode(path[1:]).rpartition("/")[0])
        self._kept.unlink(missing_ok=True)
        return kept, missing

    def _linked_to(self, inodes: set[int]) -> list[bytes]:
        found = [path for path in entries(self.files) if path.lstat().st_ino in inodes]
        for path in found:
            with writable(path.parent):
                path.unlink()
        return [b"/" + os.fsencode(path.relative_to(self.files)) for path in found]

    def _read_kept(self) -> Iterator[bytes]:
        return read_names(self._kept)


def read_names(file: Path) -> Iterator[bytes]:
    """The NUL-ended names in the file; one that a crash cut short is not given."""
    if not file.exists():
        return
    rest = b""
    with file.open("rb") as stream:
        while chunk := stream.read(2**20):
            *names, rest = (rest + chunk).split(b"\0")
            yield from names


def _flush_file_system(folder: Path) -> None:
    """Only this one: another, whose server is gone, would hold a restore for ever. Raises `OSError`."""
    if os.name == "nt":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    syncfs = getattr(
        libc, "syncfs", None
    )  # Linux; it also tells what the disk did not take, which sync() does not
    if syncfs is None:
        os.sync()
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        if syncfs(opened):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), folder)
    finally:
        os.close(opened)


def _is_ours(folder: Path) -> bool:
    """Whether this account owns it; Windows has no such number, its inherited permissions have to do."""
    return not hasattr(os, "geteuid") or folder.lstat().st_uid == os.geteuid()


def allocated_bytes(status: os.stat_result) -> int:
    """Of a regular file, never more than its size; 0 for anything else."""
    if not stat.S_ISREG(status.st_mode):
        return 0
    blocks: int | None = getattr(status, "st_blocks", None)  # not on Windows
    return status.st_size if blocks is None else min(status.st_size, blocks * 512)


def remove_folder(folder: Path) -> None:
    """Raises `OSError`. A link of that name is not ours."""
    if folder.is_symlink() or not folder.exists():
        return
    _make_writable(folder)
    shutil.rmtree(folder)


def _make_writable(folder: Path) -> None:
    """Top down: a folder's mode is put right before its content is looked at."""
    for path, folders, _ in os.walk(folder):
        for name in folders:
            make_writable(Path(path, name))


def make_writable(folder: Path, wanted: int = stat.S_IRWXU) -> int:
    """Let its owner read and change a folder. Give what its mode lacked, 0 if nothing was to be done."""
    mode = folder.lstat().st_mode if os.path.lexists(folder) else 0
    lacking = wanted & ~mode if stat.S_ISDIR(mode) else 0
    if lacking:
        _change_mode(folder, add=lacking)
    return lacking


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    """A folder that the snapshot has as read-only is to be changed, and then to be as it was."""
    lacking = make_writable(folder)
    try:
        yield
    finally:
        if lacking:
            _change_mode(folder, remove=lacking)


def _change_mode(folder: Path, *, add: int = 0, remove: int = 0) -> None:
    """Of this folder's own mode; the owner of a target must not turn root's hand elsewhere by a link put there."""
    flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        opened = os.open(folder, flags)
    except PermissionError:  # we are not root, then, who may change the modes of others
        folder.chmod((stat.S_IMODE(folder.lstat().st_mode) | add) & ~remove)
        return
    try:
        os.fchmod(opened, (stat.S_IMODE(os.fstat(opened).st_mode) | add) & ~remove)
    finally:
        os.close(opened)


def entries(folder: Path) -> Iterator[Path]:
    """Everything below the folder; links are not followed."""
    for path, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(path, name)
