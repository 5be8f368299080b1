"""Folders by descriptor, for Linux and macOS."""

import ctypes
import errno
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

# Linux: renameat2 with RENAME_NOREPLACE; macOS: renameatx_np with RENAME_EXCL.
_EXCLUSIVE: Final = (("renameat2", 1), ("renameatx_np", 4))
# The C library, the kernel or this file system does not have it.
_UNKNOWN: Final = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


class PosixFolder:
    """See `folder.Folder`. A system's own class says what `pinned` is."""

    def __init__(self, handle: int, path: Path) -> None:
        self.handle = handle
        self.path = path

    @classmethod
    def open(cls, path: Path, *, create: bool = False) -> Self:
        """Raises `OSError`, `NotADirectoryError` for a link anywhere in the path. `create`: what is missing."""
        folder = cls(os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), Path("/"))
        for name in path.parts[1:]:
            with folder:
                if create and folder.status(name) is None:
                    folder.make(name, 0o777)
                folder = folder.enter(name)
        return folder

    @property
    def pinned(self) -> Path:
        raise NotImplementedError

    def names(self) -> list[str]:
        return os.listdir(self.handle)  # noqa: PTH208 - pathlib knows no descriptors

    def status(self, name: str) -> os.stat_result | None:
        try:
            return os.stat(name, dir_fd=self.handle, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def enter(self, name: str) -> Self:
        flags = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        path = self.path / name
        try:
            handle = os.open(name, os.O_RDONLY | flags, dir_fd=self.handle)
        except PermissionError as error:
            if not hasattr(os, "O_PATH"):
                raise PermissionError(error.errno, error.strerror, path) from error
            handle = os.open(
                name, os.O_PATH | flags, dir_fd=self.handle
            )  # one may go through it, not list it
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise NotADirectoryError(
                    errno.ENOTDIR, "a link stands in the place of a folder", path
                ) from error
            raise OSError(error.errno, error.strerror, path) from error
        return type(self)(handle, path)

    def make(self, name: str, mode: int) -> None:
        try:
            os.mkdir(name, mode, dir_fd=self.handle)
        except FileExistsError:
            if (there := self.status(name)) is None or not stat.S_ISDIR(there.st_mode):
                raise

    def move(self, name: str, to: Self, new_name: str) -> None:
        place = to.path / new_name
        try:
            if _rename_exclusively(self.handle, name, to.handle, new_name):
                return
            if to.status(new_name) is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), place)
            os.rename(name, new_name, src_dir_fd=self.handle, dst_dir_fd=to.handle)
        except OSError as error:
            raise OSError(error.errno, error.strerror, place) from error

    def remove(self, name: str) -> None:
        there = self.status(name)
        if there is None:
            return
        if stat.S_ISDIR(there.st_mode):
            shutil.rmtree(name, dir_fd=self.handle)
        else:
            os.unlink(name, dir_fd=self.handle)

    def remove_empty(self, name: str) -> None:
        os.rmdir(name, dir_fd=self.handle)

    def set_mode(self, mode: int) -> None:
        os.fchmod(self.handle, mode)

    def close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _rename_exclusively(source: int, name: str, target: int, new_name: str) -> bool:
    """False if this system can't. Raises `OSError`, `FileExistsError` if the name is taken."""
    found = _exclusive_rename()
    if found is None:
        return False
    rename, flag = found
    if rename(source, os.fsencode(name), target, os.fsencode(new_name), flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNKNOWN:
        return False
    raise OSError(number, os.strerror(number), new_name)


def _exclusive_rename() -> tuple[Callable[..., Any], int] | None:
    libc = ctypes.CDLL(None, use_errno=True)
    for name, flag in _EXCLUSIVE:
        if (rename := getattr(libc, name, None)) is not None:
            return rename, flag
    return None
