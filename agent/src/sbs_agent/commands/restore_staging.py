"""Where a restore writes before its files get to their places: a folder below the target, on the same file system.

Whatever is in it is ours, whatever lies in the target is somebody's: that needs no list of files, however often the
restore is interrupted. Getting a file to its place is one rename, so no half-written file is ever seen there.

::

    .sbs-restore-<digest of the command's id>/
        files/     what restic has written, paths as in the snapshot
        kept       skip: files that are already in the target (relative, each ended by NUL); an empty file stands for
                   each in files/, so that restic does not fetch it
        renamed    keep both: what got a suffix: old and new path in the target (relative, each ended by NUL), written
                   before the rename
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

from sbs_agent.platform import platform
from sbs_agent.platform.folder import Folder

_NAMES = frozenset({"files", "kept", "renamed"})
# Older than anything that is really restored, and within what file systems can store (2^31 seconds before 1970).
OLDEST_MTIME_S = -(2**31) + 86400


class Staging:
    """Its name comes from the command, so that what a killed agent left is found again.

    From `create` or `exists` on, target and staging folder are held open: whoever owns the target may rename them or
    put links in their places, what is done here stays in the two. `close` lets go of them.

    All methods raise `OSError`.
    """

    def __init__(self, target: Path, command_id: str) -> None:
        digest = hashlib.sha256(command_id.encode()).hexdigest()[:12]
        self.target = target
        self.folder = target / f".sbs-restore-{digest}"
        self._target: Folder | None = None
        self._held: Folder | None = None

    @property
    def files(self) -> Path:
        """Leads to it whatever the staging folder is called, while that is held."""
        return self._inside / "files"

    @property
    def renamed(self) -> Path:
        return self._inside / "renamed"

    @property
    def handles(self) -> tuple[int, ...]:
        """What a process must inherit to find `files`."""
        return () if self._held is None else (self._held.handle,)

    @property
    def _kept(self) -> Path:
        return self._inside / "kept"

    @property
    def _inside(self) -> Path:
        return self.folder if self._held is None else self._held.pinned

    @property
    def place(self) -> Path:
        """The target; leads to it whatever it is called, while it is held."""
        return self.target if self._target is None else self._target.pinned

    @property
    def base(self) -> Path:
        """Where restic writes: here, or in the target itself if there is no staging folder."""
        return self.place if self._held is None else self.files

    def shown(self, text: str) -> str:
        """A text of the system or of restic with paths that say something to a person."""
        text = text.replace(os.fspath(self.files), os.fspath(self.target))
        return text.replace(os.fspath(self._inside), os.fspath(self.folder))

    def create(self) -> None:
        """Also takes over what an earlier attempt left. What somebody else put there is refused and stays as it is:
        whoever owns the target may give any folder in it this name, also one that a third person owns.
        """
        self.close()
        self._target = platform.open_folder(self.target, create=True)
        there = self._target.status(self.folder.name)
        if there is not None and not stat.S_ISDIR(there.st_mode):
            kind = "link" if stat.S_ISLNK(there.st_mode) else "file"
            raise FileExistsError(
                errno.EEXIST, f"a {kind} stands where restored files are to be kept", self.folder
            )
        self._target.make(self.folder.name, 0o700)
        self._hold()
        self.files.mkdir(mode=0o700, exist_ok=True)

    def exists(self) -> bool:
        """Hold it if it is there. What can't be entered, or is somebody else's, raises."""
        if self._held is None:
            self.close()
            try:
                self._target = platform.open_folder(self.target)
                self._hold()
            except (FileNotFoundError, NotADirectoryError):
                self.close()
                return False
            except OSError:
                self.close()
                raise
        return self.files.is_dir()

    def _hold(self) -> None:
        if self._target is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.target)
        held = self._target.enter(self.folder.name)
        try:
            _refuse_foreign(held)
            _refuse_unknown(held)
        except OSError:
            held.close()  # what is held is taken for ours, and is emptied in the end
            raise
        self._held = held

    def open(self) -> tuple[Folder, Folder]:
        """The folder with the restored files, which is to be closed, and the target, which is not."""
        if self._held is None or self._target is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.folder)
        return self._held.enter("files"), self._target

    def remove(self) -> None:
        """And let go of it."""
        try:
            if self._target is None:
                remove_folder(self.folder)
            else:
                _remove_from(self._target, self.folder.name, self._held)
        finally:
            self.close()

    def close(self) -> None:
        for folder in (self._held, self._target):
            if folder is not None:
                folder.close()
        self._held = self._target = None

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
        """Take out what an earlier attempt has written."""
        _make_writable(self.files)
        shutil.rmtree(self.files)
        self.files.mkdir(mode=0o700)

    def flush(self) -> None:
        """What was verified is on the disk when this returns: after a power cut nobody verifies it again."""
        _flush_file_system(self.place)

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
            if _is_no_folder(self.place / os.fsdecode(path)):
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


def is_ours(there: os.stat_result) -> bool:
    """Whether this account owns it; Windows has no such number, its inherited permissions have to do."""
    return not hasattr(os, "geteuid") or there.st_uid == os.geteuid()


def _is_no_folder(path: Path) -> bool:
    """Whether a file, a link or the like is there."""
    try:
        return not stat.S_ISDIR(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def allocated_bytes(status: os.stat_result) -> int:
    """Of a regular file, never more than its size; 0 for anything else."""
    if not stat.S_ISREG(status.st_mode):
        return 0
    blocks: int | None = getattr(status, "st_blocks", None)  # not on Windows
    return status.st_size if blocks is None else min(status.st_size, blocks * 512)


def remove_folder(folder: Path) -> None:
    """Raises `OSError`. A link of that name is not ours."""
    try:
        above = platform.open_folder(folder.parent)
    except FileNotFoundError:
        return
    with above:
        _remove_from(above, folder.name, None)


def _remove_from(above: Folder, name: str, held: Folder | None) -> None:
    """`held`: the folder, if it is open already. The name may be somebody else's by now, which is left alone."""
    if held is not None:
        _take_out_everything(held)
    there = above.status(name)
    if there is None or not stat.S_ISDIR(there.st_mode):
        return
    with above.enter(name) as now:
        found = os.fstat(now.handle)
        if not is_ours(found) or (held is not None and not os.path.samestat(os.fstat(held.handle), found)):
            return
        _refuse_unknown(now)
        _take_out_everything(now)
    # It is empty: what somebody puts there instead at this moment keeps its content.
    above.remove_empty(name)


def _take_out_everything(folder: Folder) -> None:
    _make_writable(folder.pinned)
    for name in folder.names():
        folder.remove(name)


def _refuse_foreign(folder: Folder) -> None:
    """Raises `PermissionError` for a folder of another account."""
    if not is_ours(os.fstat(folder.handle)):
        raise PermissionError(
            errno.EPERM, "somebody else put a folder where restored files are to be kept", folder.path
        )


def _refuse_unknown(folder: Folder) -> None:
    """Raises `FileExistsError` for a folder that is not a restore's: somebody may have given it the name of one."""
    if not _NAMES.issuperset(folder.names()):
        raise FileExistsError(
            errno.EEXIST, "a folder that is no restore's has the name of a restore's own", folder.path
        )


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
