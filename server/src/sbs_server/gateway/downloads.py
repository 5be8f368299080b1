"""Giving out one object, or a range of it, with bounded memory: one block on its way, one being read."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from sbs_server.gateway.authorize import RepositoryGrant
from sbs_server.gateway.errors import RangeUnsatisfiableError, StorageTroubleError
from sbs_server.gateway.layout import Kind, StorageRoots
from sbs_server.gateway.threads import Threads

_RANGE = re.compile(rb"bytes=([0-9]{0,18})-([0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes [start, stop) of `size`; `partial` if the client asked for a range."""

    start: int
    stop: int
    size: int
    partial: bool

    @property
    def length(self) -> int:
        return self.stop - self.start


def parse_range(header: bytes | None, size: int) -> Span:
    """What a Range header means for an object of `size` bytes (RFC 9110, section 14).

    Several ranges, other units and nonsense are ignored, as the RFC allows: the answer is the whole object.

    Raises:
        RangeUnsatisfiableError: a single range that begins behind the end, or the last 0 bytes.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or (not match[1] and not match[2]):
        return Span(0, size, size, partial=False)
    if match[1]:
        start = int(match[1])
        stop = min(size, int(match[2]) + 1) if match[2] else size
        if match[2] and int(match[2]) < start:
            return Span(0, size, size, partial=False)
    else:
        start, stop = max(0, size - int(match[2])), size
    if start >= size or start == stop:
        raise RangeUnsatisfiableError(
            f"the object has {size} bytes, the range begins behind them",
            headers=((b"content-range", b"bytes */%d" % size),),
        )
    return Span(start, stop, size, partial=True)


class Download:
    """An open object. `close` it in the end, from wherever."""

    def __init__(self, fd: int, size: int) -> None:
        self.size = size
        self._fd = fd

    @classmethod
    def open(cls, roots: StorageRoots, grant: RepositoryGrant, kind: Kind, name: str | None) -> Download:
        """Blocking. Raises: MissingError, RefusedError, UnavailableError, StorageTroubleError."""
        with roots.open(grant.root) as repository:
            return cls(*repository.open_object(kind, name))

    async def blocks(self, span: Span, threads: Threads, block_bytes: int) -> AsyncGenerator[bytes, None]:
        """The bytes of `span`; the next block is read while the consumer works on one.

        Raises: StorageTroubleError, in the middle too: if the file can't be read, or has become shorter.
        """
        ahead: asyncio.Future[bytes] | None = None
        offset = span.start
        try:
            while offset < span.stop:
                reading = ahead or threads.start(self._read, offset, min(block_bytes, span.stop - offset))
                ahead = reading
                block = await asyncio.shield(reading)
                offset += len(block)
                rest = span.stop - offset
                ahead = threads.start(self._read, offset, min(block_bytes, rest)) if rest else None
                yield block
        finally:
            await threads.last(self.close, after=ahead)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read(self, offset: int, length: int) -> bytes:
        try:
            block = os.pread(self._fd, length, offset)
        except OSError as error:
            raise StorageTroubleError(f"the object can't be read at {offset}: {error.strerror}") from error
        if not block:
            raise StorageTroubleError(f"the object ends at {offset}: it was cut off while it was read")
        return block
