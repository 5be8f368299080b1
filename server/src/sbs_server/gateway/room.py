"""Whether an object still fits: against what the file system has free, and against what others are about to write."""

from __future__ import annotations

import os
import threading
from collections import Counter
from typing import Protocol, TypeVar
from uuid import UUID

from sbs_server.gateway.authorize import RepositoryGrant
from sbs_server.gateway.errors import StorageFullError, UnavailableError
from sbs_server.gateway.layout import Kind, Repository

_KEPT_FOR_LOCKS = 1 << 20
# Not yet written, of one restic repository, which one agent alone writes to. restic has five uploads at a time, of
# packs of at most 128 MiB (--pack-size) and a header: three of them fit side by side.
_MOST_PROMISED = 2 << 30


_Key = TypeVar("_Key", int, UUID)


class Reservation(Protocol):
    """Room for one upload, until it is released."""

    def used(self, size_bytes: int) -> None:
        """So much of it has been written: the file system counts it from here on."""

    def release(self) -> None:
        """The upload is over, however; may be called twice."""


class Room(Protocol):
    """The seam for quotas. Blocking; called from several threads."""

    def reserve(
        self, grant: RepositoryGrant, repository: Repository, kind: Kind, size_bytes: int
    ) -> Reservation:
        """Raises: StorageFullError; UnavailableError: too much of this repository is on its way."""


class FileSystemRoom:
    """Room is what the file system has free and nobody else was promised: refusing before the transfer is kinder
    than after it.

    Some is kept for locks: without one, restic would not even restore from a full disk. No repository is promised
    more than its share: uploads that are announced and never sent would leave no room for anybody. A process serves
    its file systems alone (see `state`), so it knows everything that is on its way to them.
    """

    def __init__(self, *, most_promised_bytes: int = _MOST_PROMISED) -> None:
        self._most_promised = most_promised_bytes
        self._mutex = threading.Lock()
        self._promised: Counter[int] = Counter()  # bytes by device
        self._promised_to: Counter[UUID] = Counter()  # bytes by restic repository

    def reserve(
        self, grant: RepositoryGrant, repository: Repository, kind: Kind, size_bytes: int
    ) -> Reservation:
        device, owner = os.fstat(repository.fd).st_dev, grant.restic_repository_id
        with self._mutex:
            status = os.fstatvfs(repository.fd)
            needed = _on_disk(size_bytes, status.f_frsize)
            kept = 0 if kind is Kind.LOCKS else _KEPT_FOR_LOCKS
            free = max(0, status.f_bavail * status.f_frsize - kept - self._promised[device])
            # File systems that don't know (some FUSE) report no blocks at all.
            if status.f_blocks and needed > free:
                raise StorageFullError(f"the storage is full: {needed} bytes are needed, {free} are free")
            on_its_way = self._promised_to[owner]
            if kind is not Kind.LOCKS and on_its_way and on_its_way + needed > self._most_promised:
                raise UnavailableError(
                    f"{on_its_way} bytes of this repository are announced and did not come yet; try again"
                )
            self._promised[device] += needed
            self._promised_to[owner] += needed
        return _Promise(self, device, owner, needed)

    def give_back(self, device: int, owner: UUID, size_bytes: int) -> None:
        """So much is no longer on its way to that device, to the repository `owner`."""
        with self._mutex:
            _less(self._promised, device, size_bytes)
            _less(self._promised_to, owner, size_bytes)


class _Promise:
    def __init__(self, room: FileSystemRoom, device: int, owner: UUID, size_bytes: int) -> None:
        self._room = room
        self._device = device
        self._owner = owner
        self._left = size_bytes

    def used(self, size_bytes: int) -> None:
        given_back = min(size_bytes, self._left)
        self._left -= given_back
        self._room.give_back(self._device, self._owner, given_back)

    def release(self) -> None:
        self.used(self._left)


def _less(counted: Counter[_Key], key: _Key, size_bytes: int) -> None:
    counted[key] -= size_bytes
    if not counted[key]:
        del counted[key]


def _on_disk(size_bytes: int, block_bytes: int) -> int:
    """What a file takes: whole blocks, and one for the folder that may have to grow."""
    block = max(1, block_bytes)
    return (-(-size_bytes // block) + 1) * block
