"""Process control for Linux and macOS: sessions, signals, inherited descriptors.

Dying with the parent is Linux's PR_SET_PDEATHSIG. It is set in the child before restic starts, by a few lines
of Python that then turn into restic (`preexec_fn` would run Python between fork and exec, which may dead-lock
as soon as there are threads). A packaged program has no Python to run: there util-linux's `setpriv` does it.
The kernel sends the signal when the *thread* that forked ends, so the event loop has to live at least as long
as the child. It drops the wish when an exec changes credentials: restic must not be setuid, and must get no
file capabilities (give capabilities to the service instead).

Where neither is there (macOS), a restic whose parent was killed ends at its next line of output (SIGPIPE).
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from sbs_restic.cli.control.base import ChildInputs

# The second test closes the gap between fork and prctl: a parent that died in it sends no signal any more.
_DIE_WITH_PARENT: Final = """
import ctypes, os, signal, sys
for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
    signal.signal(ignored_by_python, signal.SIG_DFL)
if ctypes.CDLL(None, use_errno=True).prctl(1, 9, 0, 0, 0) != 0:
    sys.exit("prctl(PR_SET_PDEATHSIG) failed: errno %d" % ctypes.get_errno())
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""


class PosixInputs:
    """Inputs by inherited descriptor, named /dev/fd/N."""

    def __init__(self, temp_dir: Path | None) -> None:
        self._temp_dir = temp_dir
        self._pipes: list[int] = []
        self._files: list[IO[bytes]] = []
        self._lent: list[int] = []

    def secret(self, value: bytes) -> str:
        """Put `value` into a pipe; it has to fit the pipe's buffer (any password does)."""
        read_end, write_end = os.pipe()
        self._pipes.append(read_end)
        try:
            os.write(write_end, value)
        finally:
            os.close(write_end)
        return f"/dev/fd/{read_end}"

    def document(self, pieces: Iterable[bytes]) -> str:
        """Put the pieces into a file that has no name, so that nothing stays behind after a kill -9."""
        file = tempfile.TemporaryFile(dir=self._temp_dir)  # noqa: SIM115 - closed with the others
        self._files.append(file)
        for piece in pieces:
            file.write(piece)
        file.flush()
        file.seek(0)
        return f"/dev/fd/{file.fileno()}"

    def inherit(self, descriptors: Iterable[int]) -> None:
        """See ChildInputs."""
        self._lent += descriptors

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What the child has to inherit."""
        return (*self._pipes, *(file.fileno() for file in self._files), *self._lent)

    def close(self) -> None:
        """Close our ends."""
        for descriptor in self._pipes:
            os.close(descriptor)
        for file in self._files:
            file.close()


class PosixControl:
    """Linux and macOS."""

    @contextlib.contextmanager
    def inputs(self, temp_dir: Path | None) -> Iterator[ChildInputs]:
        """See ProcessControl."""
        inputs = PosixInputs(temp_dir)
        try:
            yield inputs
        finally:
            inputs.close()

    def environment(self) -> Mapping[str, str]:
        """See ProcessControl."""
        return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

    async def spawn(
        self, argv: Sequence[str], env: Mapping[str, str], inputs: ChildInputs, limit: int
    ) -> asyncio.subprocess.Process:
        """See ProcessControl."""
        return await asyncio.create_subprocess_exec(
            # Bytes: a name need not be valid in our locale, and restic takes names as they are.
            *(argument.encode("utf-8", "surrogateescape") for argument in _dying_with_parent(argv)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(env),
            cwd="/",
            pass_fds=inputs.descriptors if isinstance(inputs, PosixInputs) else (),
            start_new_session=True,  # a ^C at our terminal is ours to handle, and `kill` has a group to end
            limit=limit,
        )

    def interrupt(self, process: asyncio.subprocess.Process) -> None:
        """Send SIGINT to restic alone: its ssh or rclone has to live on, or the lock can't be removed."""
        _send(process, signal.SIGINT)

    def terminate(self, process: asyncio.subprocess.Process) -> None:
        """See ProcessControl."""
        _send(process, signal.SIGTERM)

    def kill(self, process: asyncio.subprocess.Process) -> None:
        """See ProcessControl."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # it has no group of its own yet, or has ended
            _send(process, signal.SIGKILL)


def _send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Not by `process.send_signal`: that looks whether the child has ended, and takes its exit code away from the
    thread of asyncio that waits for it, which then reports 255.
    """
    if process.returncode is not None:
        return
    # It may have ended between our look and our signal; then there is nothing to do.
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "linux":
            _send_to_child(process.pid, number)
        else:
            os.kill(process.pid, number)


if sys.platform == "linux":

    def _send_to_child(pid: int, number: signal.Signals) -> None:
        """The thread that waits for a child may have taken its exit code already, and its number may be a stranger's
        by now: so the number is made a descriptor, and that has to be a child of ours that nobody has waited for.
        """
        try:
            child = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            # WNOWAIT: only a look. The thread still gets the exit code.
            os.waitid(os.P_PIDFD, child, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            signal.pidfd_send_signal(child, number)
        except ChildProcessError:
            return
        finally:
            os.close(child)


def _dying_with_parent(argv: Sequence[str]) -> list[str]:
    if sys.platform != "linux":
        return list(argv)
    if sys.executable and not getattr(sys, "frozen", False):
        # -I and -S: nothing of the user's or of site-packages is imported. utf8: any bytes in argv survive.
        python = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _DIE_WITH_PARENT]
        return [*python, str(os.getpid()), *argv]
    setpriv = shutil.which("setpriv", path="/usr/bin:/bin:/usr/sbin:/sbin")
    return [setpriv, "--pdeathsig", "KILL", *argv] if setpriv else list(argv)
