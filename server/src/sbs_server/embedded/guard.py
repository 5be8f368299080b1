"""A watcher that outlives the supervisor for as long as it takes to end what it supervised.

The kernel's death signal ends well-behaved children when the supervisor is killed. The guard does the rest: a
child that ignores its signal, a child of a child, an operating system without death signals. It holds the
data directory's lock (inherited over fork) until it is done, so nobody starts on top of what is still ending.
"""

from __future__ import annotations

import contextlib
import os
import signal

from sbs_server.embedded.layout import DataDirectory
from sbs_server.embedded.orphans import reap

_FAREWELL = b"."


class Guard:
    """The supervisor's side: `dismiss()` at an orderly end; without it, the guard cleans up."""

    def __init__(self, directory: DataDirectory) -> None:
        """Fork the guard. Must happen before the first thread, event loop or child."""
        reader, self._writer = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._writer)
            _watch(reader, directory)
        os.close(reader)

    def dismiss(self) -> None:
        """Everything has ended: the guard may go. Waits until it has."""
        try:
            os.write(self._writer, _FAREWELL)
        except BrokenPipeError:
            pass  # it was killed; there is nothing left to guard
        finally:
            os.close(self._writer)
        with contextlib.suppress(ChildProcessError):  # reaped already
            os.waitpid(self.pid, 0)


def _watch(reader: int, directory: DataDirectory) -> None:
    """The guard's whole life; never returns."""
    try:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if os.read(reader, 1) != _FAREWELL:
            reap(directory)
    finally:
        os._exit(0)
