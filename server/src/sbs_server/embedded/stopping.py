"""`sbs down`: also when the supervisor hangs, was killed, or never got that far."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from sbs_server.embedded.errors import AlreadyRunningError, EmbeddedError
from sbs_server.embedded.layout import DataDirectory
from sbs_server.embedded.orphans import live_supervisor, own, reap

Say = Callable[[str], None]
_POLL_S = 0.1


def down(data_dir: Path, say: Say, patience_s: float = 120.0) -> bool:
    """Stop everything that runs on `data_dir`; returns whether there was anything.

    A supervisor that has not ended after `patience_s` is killed, and its components are stopped without it.
    Errors: EmbeddedError.
    """
    directory = DataDirectory(data_dir)
    if not directory.lock_file.exists():
        say(f"Nothing runs on {data_dir}.")
        return False
    try:
        stopped = _stop_supervisor(directory, say, patience_s)
        orphans = _reap(directory)
    except PermissionError as error:
        raise EmbeddedError(
            f"what runs on {data_dir} belongs to another user ({error}); use that account or root"
        ) from error
    if orphans:
        say(f"Stopped without a supervisor: {', '.join(orphans)}.")
    say("Everything has ended." if stopped or orphans else f"Nothing runs on {data_dir}.")
    return stopped or bool(orphans)


def _stop_supervisor(directory: DataDirectory, say: Say, patience_s: float) -> bool:
    identity = live_supervisor(directory)
    if identity is None:
        return False
    os.kill(identity.pid, signal.SIGTERM)
    if not _wait(lambda: identity.process() is None, patience_s):
        say(f"The supervisor (pid {identity.pid}) has not ended after {patience_s:.0f} s and is killed.")
        os.kill(identity.pid, signal.SIGKILL)
        _wait(lambda: identity.process() is None, patience_s)
    return True


def _reap(directory: DataDirectory) -> list[str]:
    """Stop what is left, as the owner of the lock: the guard of a killed supervisor comes first."""
    try:
        lock = own(directory)
    except AlreadyRunningError as error:
        raise EmbeddedError(
            f"{directory.lock_file} is still held, by a supervisor that was started meanwhile or by a guard that "
            f"hangs; `fuser {directory.lock_file}` shows which process it is"
        ) from error
    try:
        return reap(directory)
    finally:
        os.close(lock)


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True
