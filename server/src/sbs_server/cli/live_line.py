"""The one line that shows how far something is."""

import time
from collections.abc import Callable
from typing import TextIO

from rich.console import Console
from rich.text import Text

EVERY_S = 5.0
_CLEAR = "\r\x1b[K"


class LiveLine:
    """On a terminal one line, written anew each time; elsewhere (a log, a pipe) a line now and then.

    `clock` gives seconds.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        console = Console(file=stream)
        self._rewrites = console.is_terminal and not console.is_dumb_terminal
        self._width = console.width
        self._stream = stream
        self._clock = clock
        self._next = clock()
        self._step = ""

    def update(self, line: str, step: str) -> None:
        """`step`: what the line is about; a new one is told at once everywhere."""
        if self._rewrites:
            fitting = Text(line)
            fitting.truncate(self._width - 1, overflow="ellipsis")
            self._write(f"{_CLEAR}{fitting.plain}")
        elif step != self._step or self._clock() >= self._next:
            self._write(f"{line}\n")
            self._next = self._clock() + EVERY_S
        self._step = step

    def say(self, line: str) -> None:
        """A line that stays."""
        self.clear()
        self._write(f"{line}\n")

    def clear(self) -> None:
        """Leaves nothing half-written on a terminal."""
        if self._rewrites:
            self._write(_CLEAR)

    def _write(self, words: str) -> None:
        self._stream.write(words)
        self._stream.flush()
