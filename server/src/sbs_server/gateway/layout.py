"""Where restic keeps things in a local repository, and the only ways the gateway gets at them.

Nothing a client sends is ever joined into a path unchecked: a name is 64 lower-case hex digits or it is refused,
folders come from a fixed table, and every step on the way is opened relative to the folder before it, without
following symbolic links. Layout: restic's design document, "Repository layout" (version 1 and 2 are the same here).
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from sbs_server.gateway.errors import (
    MalformedError,
    MissingError,
    RefusedError,
    StorageTroubleError,
    UnavailableError,
)

_PATH = re.compile(
    rb"/restic/(?P<id>[0-9a-f]{32})/"
    rb"(?:(?P<config>config)|(?P<kind>data|index|keys|locks|snapshots)/(?P<name>[0-9a-f]{64})?)?"
)
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a FIFO planted in place of an object must not hang the thread that opens it.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
# Where uploads wait on file systems without unnamed files; restic's local backend never looks there.
TEMPORARY = "tmp"
OBJECT_NAME = re.compile(r"[0-9a-f]{64}")


class Kind(StrEnum):
    """restic's file types, named as their folders are."""

    CONFIG = "config"
    DATA = "data"
    INDEX = "index"
    KEYS = "keys"
    LOCKS = "locks"
    SNAPSHOTS = "snapshots"


@dataclass(frozen=True, slots=True)
class Target:
    """What a URL means: the repository itself (`kind` None), a folder (`name` None) or an object."""

    restic_repository_id: UUID
    kind: Kind | None
    name: str | None

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.name) if part) or "the repository"

    def required_kind(self) -> Kind:
        """`kind` where the access rules have made sure that there is one."""
        if self.kind is None:
            raise MalformedError(
                "the address names the repository; an object or a folder in it is needed here"
            )
        return self.kind

    def required_name(self) -> str:
        """`name` where the access rules have made sure that there is one."""
        if self.name is None:
            raise MalformedError(f"the address names the folder {self.kind}; an object in it is needed here")
        return self.name


def parse_target(raw_path: bytes) -> Target:
    """The meaning of a request's path, taken before percent-decoding: no legal one contains a percent sign.

    Raises:
        MalformedError: any other path, `..`, `//`, upper case and escapes included.
    """
    match = _PATH.fullmatch(raw_path)
    if match is None:
        raise MalformedError(
            "no such address: it must be /restic/<32 hex digits>/ followed by nothing, config, "
            "or one of data, index, keys, locks, snapshots with / and nothing or 64 lower-case hex digits"
        )
    kind = Kind.CONFIG if match["config"] else Kind(match["kind"].decode()) if match["kind"] else None
    name = match["name"].decode() if match["name"] else None
    return Target(UUID(hex=match["id"].decode()), kind, name)


class StorageRoots:
    """The folders below which repositories may lie, as the platform's operator declared them.

    A root itself may be a symbolic link or a mount (the operator's choice); below it no link is followed.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(root.absolute() for root in roots)

    def unusable(self) -> list[Path]:
        """Roots that are no readable folder now."""
        return [root for root in self._roots if not (root.is_dir() and os.access(root, os.R_OK | os.X_OK))]

    @contextmanager
    def open(self, repository_root: Path) -> Iterator[Repository]:
        """The repository at an absolute path.

        Raises:
            RefusedError: outside of every root, or a symbolic link on the way.
            UnavailableError: not there (not mounted, perhaps).
        """
        start, steps = self._locate(repository_root)
        with ExitStack() as stack:
            try:
                fd = _opened(stack, start, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, None)
                for step in steps:
                    fd = _opened(stack, step, FOLDER_FLAGS, fd)
            except (FileNotFoundError, PermissionError) as error:
                raise UnavailableError(
                    f"the repository's folder can't be opened ({error.strerror}); is its storage mounted?"
                ) from error
            except NotADirectoryError as error:
                raise RefusedError(
                    "a symbolic link or a file stands where a folder of the repository must be"
                ) from error
            yield Repository(fd, repository_root)

    def _locate(self, path: Path) -> tuple[Path, tuple[str, ...]]:
        if path.is_absolute() and ".." not in path.parts:
            for root in self._roots:
                for form in (root, root.resolve()):
                    if path.is_relative_to(form) and path != form:
                        return root, path.relative_to(form).parts
        raise RefusedError(
            "the repository lies outside of the storage folders that the platform's operator allows"
        )


class Repository:
    """An open repository folder; valid as long as the `with` of `StorageRoots.open` lasts."""

    def __init__(self, fd: int, root: Path) -> None:
        self.fd = fd
        self.root = root

    def config_mode(self) -> int:
        """The permission bits of `config`: the mark of an initialised repository, and the model for new files.

        Raises:
            UnavailableError: there is none. Writing on would fill an empty mount point.
        """
        try:
            return stat.S_IMODE(os.stat("config", dir_fd=self.fd, follow_symlinks=False).st_mode)
        except FileNotFoundError as error:
            raise UnavailableError(
                "the repository has no config file: it is not initialised, or its storage is not mounted"
            ) from error

    @contextmanager
    def folder(self, kind: Kind, name: str | None = None, *, create: bool = False) -> Iterator[int]:
        """A descriptor of the folder in which `name` lies (data is split by the first two digits).

        Raises:
            MissingError: no such folder, and `create` is off.
            RefusedError: something else stands in its place.
        """
        steps = (
            ()
            if kind is Kind.CONFIG
            else (kind.value, name[:2])
            if kind is Kind.DATA and name
            else (kind.value,)
        )
        with ExitStack() as stack:
            fd = self.fd
            for step in steps:
                if create:
                    _make_folder(step, fd)
                try:
                    fd = _opened(stack, step, FOLDER_FLAGS, fd)
                except FileNotFoundError as error:
                    raise MissingError(f"{kind}: no such folder in the repository") from error
                except NotADirectoryError as error:
                    raise RefusedError(
                        f"{kind}: a symbolic link or a file stands where a folder must be"
                    ) from error
            yield fd

    def open_object(self, kind: Kind, name: str | None) -> tuple[int, int]:
        """A descriptor and the size in bytes of an object; the caller closes it.

        Raises:
            MissingError, RefusedError (not a regular file), StorageTroubleError.
        """
        entry = name or kind.value
        with self.folder(kind, name) as folder:
            fd = _open_file(entry, folder)
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise RefusedError(f"{kind}/{entry} is no regular file")
        except BaseException:
            os.close(fd)
            raise
        return fd, status.st_size

    def holds(self, kind: Kind, name: str) -> bool:
        """Whether something of that name is there, of whatever type."""
        with suppress(FileNotFoundError, MissingError), self.folder(kind, name) as folder:
            os.stat(name, dir_fd=folder, follow_symlinks=False)
            return True
        return False


def _open_file(entry: str, folder: int) -> int:
    try:
        return os.open(entry, _FILE, dir_fd=folder)
    except FileNotFoundError as error:
        raise MissingError(f"{entry} does not exist") from error
    except OSError as error:
        if stat.S_ISLNK(os.stat(entry, dir_fd=folder, follow_symlinks=False).st_mode):
            raise RefusedError(f"{entry} is a symbolic link; the gateway follows none") from error
        raise StorageTroubleError(f"{entry} can't be opened: {error.strerror}") from error


def _opened(stack: ExitStack, path: str | Path, flags: int, folder: int | None) -> int:
    fd = os.open(path, flags, dir_fd=folder)
    stack.callback(os.close, fd)
    return fd


def _make_folder(name: str, parent: int) -> None:
    """With the mode of the folder around it, so that a group that may read the repository keeps doing so."""
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        with suppress(FileExistsError):
            os.mkdir(name, stat.S_IMODE(os.fstat(parent).st_mode) & 0o770, dir_fd=parent)
