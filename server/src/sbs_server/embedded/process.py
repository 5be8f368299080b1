"""Child processes: started so that they can't outlive us, recognised for certain, stopped with what they started."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from sbs_server.embedded.layout import read_json, write_file

_PR_SET_PDEATHSIG = 1
# Clock corrections move the start time that the kernel's counter is translated to.
_CREATE_TIME_TOLERANCE_S = 2.0
_POLL_S = 0.05

# Loaded before any fork: between fork and exec nothing may be imported or allocated in foreign libraries.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process, told apart from a later one with the same pid."""

    pid: int
    create_time: float
    exe: str
    stop_signal: int = signal.SIGTERM
    stop_timeout_s: float = 20.0

    def process(self) -> psutil.Process | None:
        """The live process, or None if it is gone, a zombie, or the pid is somebody else's now."""
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            if abs(process.create_time() - self.create_time) > _CREATE_TIME_TOLERANCE_S:
                return None
            # Unreadable for us (another user's, or one that gave up root): pid and start time have to do.
            return process if _exe(process) in {self.exe, ""} else None
        except psutil.NoSuchProcess:
            return None

    def save(self, path: Path) -> None:
        write_file(path, json.dumps(asdict(self)), 0o644)

    @classmethod
    def load(cls, path: Path) -> ProcessIdentity | None:
        """What `save` wrote, or None if there is no (usable) file."""
        value = read_json(path)
        return cls(**value) if value is not None else None


def identify(
    pid: int, stop_signal: int = signal.SIGTERM, stop_timeout_s: float = 20.0
) -> ProcessIdentity | None:
    """The identity of a live process, or None if it has already ended."""
    try:
        process = psutil.Process(pid)
        return ProcessIdentity(pid, process.create_time(), _exe(process), stop_signal, stop_timeout_s)
    except psutil.NoSuchProcess:
        return None


def _exe(process: psutil.Process) -> str:
    """Its executable; empty if we may not know. (psutil itself would guess one from the arguments.)"""
    if psutil.LINUX:
        try:
            return str(Path(f"/proc/{process.pid}/exe").readlink()).removesuffix(" (deleted)")
        except OSError:
            return ""
    try:
        return process.exe()
    except (psutil.AccessDenied, psutil.ZombieProcess):
        return ""


def spawn(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    log: Path,
    death_signal: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, with its output appended to `log`.

    Must be called in the main thread: the kernel sends the death signal when the *thread* that forked ends.
    """
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    try:
        return subprocess.Popen(
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid(), death_signal),  # noqa: PLW1509 - no other thread forks here
        )
    finally:
        os.close(handle)


def _die_with(parent: int, death_signal: int) -> Callable[[], None]:
    """What runs in the child between fork and exec: ask for a signal when the parent ends."""

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
            if os.getppid() != parent:  # it ended before we asked
                os._exit(1)

    return prepare


def signal_group(pid: int, number: int) -> None:
    """Signal what is left of the group that the child `pid` leads; nothing left is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def stop_processes(identities: Sequence[ProcessIdentity]) -> int:
    """Stop processes that are not our children (blocking): each its signal and its time, then SIGKILL.

    What they started ends with them. Returns how many there were.
    Errors: PermissionError if one is another user's.
    """
    alive = [(one, process) for one in identities if (process := one.process()) is not None]
    descendants = [child for _, process in alive for child in _descendants(process)]
    for identity, process in alive:
        _send(process, identity.stop_signal)
    begin = time.monotonic()
    for identity, process in alive:
        while identity.process() is not None and time.monotonic() < begin + identity.stop_timeout_s:
            time.sleep(_POLL_S)
        if identity.process() is not None:
            _send(process, signal.SIGKILL)
        signal_group(identity.pid, signal.SIGKILL)
    _kill_leftovers(descendants)
    return len(alive)


def _send(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied as error:
        raise PermissionError(f"process {process.pid} belongs to another user") from error


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _kill_leftovers(processes: Sequence[psutil.Process], patience_s: float = 5.0) -> None:
    """Those that have a session of their own (PostgreSQL's backends) end by themselves; else they are killed."""
    _, alive = psutil.wait_procs(processes, timeout=patience_s)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                process.kill()
