"""Files that nobody sees until they are whole.

Where the file system can (ext4, XFS, Btrfs, tmpfs), a file without any name (O_TMPFILE): a killed gateway leaves
nothing. Elsewhere (NFS, SMB, some FUSE) a named one in `<repository>/tmp`: the same file system for certain, and
a folder restic's local backend never looks into. Such repositories are noted durably and swept at start.
"""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from sbs_server.gateway.errors import GatewayError
from sbs_server.gateway.layout import FOLDER_FLAGS, TEMPORARY, Repository, StorageRoots
from sbs_server.gateway.state import GatewayState

_PREFIX = "sbs-upload-"
_NO_UNNAMED = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT}
_NO_HARD_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class TemporaryFile:
    """A descriptor to write to, then `publish` or `discard`."""

    def __init__(self, fd: int, folder: int | None = None, name: str | None = None) -> None:
        self.fd = fd
        self._folder = folder
        self._name = name

    def publish(self, name: str, destination: int) -> bool:
        """Give the file its name in the folder `destination`; False if the name is taken (nothing is overwritten)."""
        try:
            if self._name is None:
                # Linux gives an unnamed file its first name through /proc; see open(2), O_TMPFILE.
                os.link(f"/proc/self/fd/{self.fd}", name, dst_dir_fd=destination, follow_symlinks=True)
            else:
                os.link(
                    self._name, name, src_dir_fd=self._folder, dst_dir_fd=destination, follow_symlinks=False
                )
        except FileExistsError:
            return False
        except OSError as error:
            if self._name is None or error.errno not in _NO_HARD_LINKS:
                raise
            return self._rename(name, destination)
        return True

    def _rename(self, name: str, destination: int) -> bool:
        """For file systems without hard links. A race can only replace a file by one of the same SHA-256."""
        with suppress(FileNotFoundError):
            os.stat(name, dir_fd=destination, follow_symlinks=False)
            return False
        os.rename(str(self._name), name, src_dir_fd=self._folder, dst_dir_fd=destination)
        return True

    def discard(self) -> None:
        """Close it; what has no other name by now is gone. May be called twice."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
        if self._folder is not None:
            with suppress(FileNotFoundError):
                os.unlink(str(self._name), dir_fd=self._folder)
            os.close(self._folder)
            self._folder = None


class TemporaryFiles:
    """Makes them, and knows where named ones may have been left behind. Blocking."""

    def __init__(self, state: GatewayState, *, unnamed: bool = True) -> None:
        """`unnamed=False` never tries O_TMPFILE (what file systems without it come to)."""
        self._state = state
        self._unnamed = unnamed
        self._noted: set[Path] = set()

    def make(self, repository: Repository, destination: int) -> TemporaryFile:
        """An empty file on the file system of the folder `destination`."""
        if self._unnamed:
            try:
                return TemporaryFile(
                    os.open(".", os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600, dir_fd=destination)
                )
            except OSError as error:
                if error.errno not in _NO_UNNAMED:
                    raise
        return self._make_named(repository)

    def _make_named(self, repository: Repository) -> TemporaryFile:
        self._note(repository.root)
        with suppress(FileExistsError):
            os.mkdir(TEMPORARY, 0o700, dir_fd=repository.fd)
        folder = os.open(TEMPORARY, FOLDER_FLAGS, dir_fd=repository.fd)
        try:
            name = _PREFIX + secrets.token_hex(16)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            return TemporaryFile(os.open(name, flags, 0o600, dir_fd=folder), folder, name)
        except BaseException:
            os.close(folder)
            raise

    def _note(self, root: Path) -> None:
        if root not in self._noted:
            with self._state.transaction() as database:
                database.execute("INSERT OR IGNORE INTO temporary_folder VALUES (?)", (str(root),))
            self._noted.add(root)

    def sweep(self, roots: StorageRoots) -> int:
        """Remove what a killed gateway left behind; only at start, before any upload. Returns how many files."""
        with self._state.transaction() as database:
            noted = [Path(row[0]) for row in database.execute("SELECT root FROM temporary_folder")]
        return sum(self._sweep_one(roots, root) for root in noted)

    def _sweep_one(self, roots: StorageRoots, root: Path) -> int:
        try:
            with roots.open(root) as repository:
                removed = _remove_left_over(repository)
        except (GatewayError, OSError):
            return 0  # not reachable now; it stays noted, the next start tries again
        with self._state.transaction() as database:
            database.execute("DELETE FROM temporary_folder WHERE root = ?", (str(root),))
        return removed


def _remove_left_over(repository: Repository) -> int:
    try:
        folder = os.open(TEMPORARY, FOLDER_FLAGS, dir_fd=repository.fd)
    except FileNotFoundError:
        return 0
    try:
        names = [name for name in os.listdir(folder) if name.startswith(_PREFIX)]  # noqa: PTH208 - by descriptor
        for name in names:
            os.unlink(name, dir_fd=folder)
    finally:
        os.close(folder)
    return len(names)
