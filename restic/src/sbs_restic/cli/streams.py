"""Reading a child's output with bounded memory."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from sbs_restic.cli import messages
from sbs_restic.cli.errors import OutputTooLargeError
from sbs_restic.cli.messages import ExitError, Kinds, Message, Refusal, Text
from sbs_restic.cli.refusals import Refusals

LONGEST_LINE_BYTES: Final = 16 * 1024 * 1024
"""A snapshot of many sources or a check with many broken packs is one long line; nothing honest is longer."""

LARGEST_DOCUMENT_BYTES: Final = 256 * 1024 * 1024
_CUT_LINE_BYTES: Final = 1000
_KEPT_DIAGNOSTICS: Final = 50

OnMessage = Callable[[Message], Awaitable[None] | None]
Write = Callable[[bytes], Awaitable[None]]


class Sink(Protocol):
    """Where the bytes of a stream go."""

    async def feed(self, chunk: bytes) -> None:
        """Take the next bytes. What it raises stops the child."""
        ...

    async def close(self) -> None:
        """Take notice of the end."""
        ...


class Lines:
    """Cuts a stream into lines. A line above the limit is passed on as its beginning and a remark."""

    def __init__(self, on_line: Write, limit: int = LONGEST_LINE_BYTES) -> None:
        self._on_line = on_line
        self._limit = limit
        self._line = bytearray()
        self._length = 0

    async def feed(self, chunk: bytes) -> None:
        """Pass on each line that the chunk completes, without its newline."""
        *complete, rest = chunk.split(b"\n")
        for piece in complete:
            self._append(piece)
            await self._finish()
        self._append(rest)

    async def close(self) -> None:
        """Pass on a last line without newline."""
        if self._length:
            await self._finish()

    def _append(self, piece: bytes) -> None:
        self._length += len(piece)
        if self._length <= self._limit:
            self._line += piece
        elif len(self._line) > _CUT_LINE_BYTES:
            del self._line[_CUT_LINE_BYTES:]

    async def _finish(self) -> None:
        line = bytes(self._line)
        if self._length > self._limit:
            line += b" ... (cut: a line of %d bytes)" % self._length
        self._line.clear()
        self._length = 0
        await self._on_line(line)


class Collected:
    """Keeps all of a stream, for commands that print one document."""

    def __init__(self, limit: int = LARGEST_DOCUMENT_BYTES) -> None:
        self._limit = limit
        self._data = bytearray()

    async def feed(self, chunk: bytes) -> None:
        """Keep the chunk. Raises OutputTooLargeError above the limit."""
        if len(self._data) + len(chunk) > self._limit:
            raise OutputTooLargeError(f"restic answered more than {self._limit} bytes: ask for less at once")
        self._data += chunk

    async def close(self) -> None:
        """Nothing to do."""

    @property
    def data(self) -> bytes:
        """All bytes so far."""
        return bytes(self._data)


class Forwarded:
    """Passes each chunk on and waits for the taker, so that a slow one slows the child down."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self.total = 0

    async def feed(self, chunk: bytes) -> None:
        """Pass the chunk on."""
        await self._write(chunk)
        self.total += len(chunk)

    async def close(self) -> None:
        """Nothing to do: the taker owns its end."""


class Conversation:
    """What restic says in lines: messages go to the caller, its last words and odd lines are kept."""

    def __init__(self, kinds: Kinds, on_message: OnMessage | None) -> None:
        self._kinds = kinds
        self._on_message = on_message
        self._diagnostics: deque[str] = deque(maxlen=_KEPT_DIAGNOSTICS)
        self._exit_error: ExitError | None = None
        self._refusals = Refusals()

    async def hear(self, line: bytes) -> None:
        """Take one line of stdout or stderr."""
        message = messages.parse_line(line, self._kinds)
        if isinstance(message, Text):
            self._diagnostics.append(message.text)
            if isinstance(message, Refusal):
                self._refusals.note(message)
        elif isinstance(message, ExitError):
            self._exit_error = message
        elif message is not None and self._on_message is not None:
            answer = self._on_message(message)
            if answer is not None:
                await answer

    @property
    def last_words(self) -> str:
        """The text of restic's `exit_error`, "" when there was none."""
        return self._exit_error.message.strip() if self._exit_error else ""

    @property
    def hopeless(self) -> asyncio.Event:
        """Set when restic only repeats what the repository's server refuses for a reason that people must remove."""
        return self._refusals.hopeless

    @property
    def storage_full(self) -> str | None:
        """restic's words if there is no room where the repository is, else None."""
        return self._refusals.words(self._exit_error)

    @property
    def diagnostics(self) -> tuple[str, ...]:
        """The last lines that were no messages."""
        return tuple(self._diagnostics)
