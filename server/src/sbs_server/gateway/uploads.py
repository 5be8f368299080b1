"""Taking in one object: streamed, hashed while it flows, visible only when it is whole and right.

Memory per upload is bounded by two batches (one being filled, one being written) plus the server's buffer.
The file and its folder are synchronised to disk before the answer, as restic's local backend does.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum, auto

from sbs_server.gateway.authorize import RepositoryGrant
from sbs_server.gateway.errors import MalformedError, RefusedError, StorageFullError, StorageTroubleError
from sbs_server.gateway.layout import Kind, StorageRoots
from sbs_server.gateway.room import Reservation, Room
from sbs_server.gateway.temporary import TemporaryFile, TemporaryFiles
from sbs_server.gateway.threads import Threads

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_SYNC = {errno.EOPNOTSUPP, errno.EINVAL}
_MAX_BATCH = 1 << 20
_MIN_BATCH = 1 << 16
_ALL_BATCHES = 128 << 20
_READ_BACK = 1 << 20


class Outcome(Enum):
    """What became of a right upload."""

    STORED = auto()
    # The same content was there: the answer to an earlier upload was lost, and restic sends it again.
    ALREADY_THERE = auto()


@dataclass(frozen=True, slots=True)
class UploadTools:
    """What every upload needs."""

    roots: StorageRoots
    temporary: TemporaryFiles
    room: Room


class Upload:
    """One object on its way. Blocking, for worker threads; calls must not overlap.

    `begin`, then `write` as often as needed, then `finish`; `close` in any case.
    """

    def __init__(
        self, tools: UploadTools, grant: RepositoryGrant, kind: Kind, name: str, size_bytes: int
    ) -> None:
        self._tools = tools
        self._grant = grant
        self._kind = kind
        self._name = name
        self._size = size_bytes
        self._written = 0
        self._hash = hashlib.sha256()
        self._stack = ExitStack()
        # None: an object of that name exists; the upload is compared, not stored.
        self._file: TemporaryFile | None = None
        self._reserved: Reservation | None = None

    def begin(self) -> None:
        """Raises: RefusedError, UnavailableError, StorageFullError, StorageTroubleError."""
        with _storage_errors("begin"):
            self._repository = self._stack.enter_context(self._tools.roots.open(self._grant.root))
            mode = self._repository.config_mode() & 0o440
            self._folder = self._stack.enter_context(
                self._repository.folder(self._kind, self._name, create=True)
            )
            if self._repository.holds(self._kind, self._name):
                return
            self._reserved = self._tools.room.reserve(self._grant, self._repository, self._kind, self._size)
            self._stack.callback(self._reserved.release)
            self._file = self._tools.temporary.make(self._repository, self._folder)
            self._stack.callback(self._file.discard)
            # Read-only like the files of restic's local backend: a guard against accidents.
            os.fchmod(self._file.fd, mode)

    def write(self, chunks: list[bytes]) -> None:
        """Raises: StorageFullError, StorageTroubleError."""
        for chunk in chunks:
            self._hash.update(chunk)
        size_bytes = sum(map(len, chunks))
        self._written += size_bytes
        if self._file is not None:
            with _storage_errors("write"):
                _write_all(self._file.fd, chunks)
        if self._reserved is not None:
            self._reserved.used(size_bytes)

    def finish(self, before_visible: Callable[[], None] | None = None) -> Outcome:
        """Check, synchronise, publish. `before_visible` runs between check and publication of a new object.

        Raises:
            MalformedError: length or SHA-256 do not fit; RefusedError: the name is taken by other content;
            StorageFullError, StorageTroubleError.
        """
        self._check_content()
        with _storage_errors("finish"):
            if self._file is None:
                return self._compare()
            _synchronise(self._file.fd)
            if before_visible is not None:
                before_visible()
            if not self._file.publish(self._name, self._folder):
                return self._compare()
            _synchronise(self._folder)
        return Outcome.STORED

    def complete(self, rest: list[bytes], before_visible: Callable[[], None] | None = None) -> Outcome:
        """The last `write` and `finish` in one step: small objects need one change of threads less."""
        self.write(rest)
        return self.finish(before_visible)

    def close(self) -> None:
        """Let go of everything; what was not published is gone."""
        self._stack.close()

    def _check_content(self) -> None:
        if self._written != self._size:
            raise MalformedError(f"{self._written} bytes came, Content-Length says {self._size}")
        digest = self._hash.hexdigest()
        if digest != self._name:
            raise MalformedError(
                f"the content's SHA-256 is {digest}, the object's name says {self._name}; nothing was stored"
            )

    def _compare(self) -> Outcome:
        """The upload fits its name; does what is there?"""
        fd, _ = self._repository.open_object(self._kind, self._name)
        try:
            digest = hashlib.sha256()
            while block := os.read(fd, _READ_BACK):
                digest.update(block)
        finally:
            os.close(fd)
        if digest.hexdigest() != self._name:
            raise RefusedError(
                f"{self._kind}/{self._name} exists with other content: it is damaged, and nothing is overwritten; "
                "check and repair are done by the control plane"
            )
        return Outcome.ALREADY_THERE


async def receive(
    upload: Upload,
    body: AsyncIterator[bytes],
    threads: Threads,
    *,
    batch_bytes: int,
    before_visible: Callable[[], None] | None = None,
) -> Outcome:
    """Stream `body` into `upload`: while one batch is hashed and written, the next one comes in.

    Raises: what `Upload` raises, and what `body` raises; nothing stays of the object then.
    """
    writing: asyncio.Future[None] | None = None
    try:
        await threads.run(upload.begin)
        batch: list[bytes] = []
        size = 0
        async for chunk in body:
            batch.append(chunk)
            size += len(chunk)
            if size >= batch_bytes:
                if writing is not None:
                    await asyncio.shield(writing)
                writing = threads.start(upload.write, batch)
                batch, size = [], 0
        if writing is not None:
            await asyncio.shield(writing)
        return await threads.run(upload.complete, batch, before_visible)
    finally:
        # The descriptor must not be closed (and its number reused) while a thread still writes to it.
        await threads.last(upload.close, after=writing)


def batch_size(transfers: int) -> int:
    """Bytes per batch: 1 MiB, less when many transfers share the memory."""
    return max(_MIN_BATCH, min(_MAX_BATCH, _ALL_BATCHES // max(1, transfers)))


def _write_all(fd: int, chunks: list[bytes]) -> None:
    views = [memoryview(chunk) for chunk in chunks]
    while views:
        # IOV_MAX is 1024 on Linux.
        written = os.writev(fd, views[:1024])
        while views and written >= len(views[0]):
            written -= len(views.pop(0))
        if written:
            views[0] = views[0][written:]


def _synchronise(fd: int) -> None:
    try:
        os.fsync(fd)
    except OSError as error:
        # Some network mounts can't; restic's local backend goes on there as well.
        if error.errno not in _NO_SYNC:
            raise


class _storage_errors:  # noqa: N801 - reads as a statement where it is used
    """Turns what the file system says into the gateway's errors."""

    def __init__(self, step: str) -> None:
        self._step = step

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OSError):
            return
        if error.errno in _FULL:
            raise StorageFullError(
                f"the storage is full ({error.strerror}); nothing of this object was kept"
            ) from error
        raise StorageTroubleError(
            f"the storage failed ({self._step}: {error.strerror}); nothing was kept"
        ) from error
