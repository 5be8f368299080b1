"""The children of this process, and waiting for their end on the event loop."""

from __future__ import annotations

import asyncio
import signal
import subprocess

from sbs_server.embedded.component import Command
from sbs_server.embedded.layout import DataDirectory
from sbs_server.embedded.process import identify, signal_group, spawn

# A signal can be missed when it arrives together with another; looking now and then costs nothing.
_SWEEP_S = 1.0


class Child:
    """A running child process."""

    def __init__(self, popen: subprocess.Popen[bytes], stop_signal: int, stop_timeout_s: float) -> None:
        self._popen = popen
        self._stop_signal = stop_signal
        self._stop_timeout_s = stop_timeout_s
        self._ended = asyncio.Event()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._popen.returncode

    def collect(self) -> bool:
        """Whether it has ended (and is no zombie any more); wakes who waits for that."""
        if self._popen.poll() is None:
            return False
        if not self._ended.is_set():
            self._ended.set()
            # What it started and did not end goes with it.
            signal_group(self.pid, signal.SIGKILL)
        return True

    async def wait(self) -> int:
        """Its exit code, once it has ended."""
        await self._ended.wait()
        return self._popen.returncode

    def send(self, number: int) -> None:
        self._popen.send_signal(number)

    async def stop(self, impatient: asyncio.Event) -> int:
        """Its signal, its time, then SIGKILL for its group; `impatient` cuts the time short."""
        self.send(self._stop_signal)
        hurry = asyncio.create_task(impatient.wait())
        end = asyncio.create_task(self.wait())
        try:
            waiting = {hurry, end}
            await asyncio.wait(waiting, timeout=self._stop_timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if not self.collect():
                signal_group(self.pid, signal.SIGKILL)
            return await end
        finally:
            hurry.cancel()
            end.cancel()


class Children:
    """Starts children and notices their end. Belongs to the main thread and its event loop."""

    def __init__(self, directory: DataDirectory) -> None:
        self._directory = directory
        self._alive: list[Child] = []

    def start(
        self, name: str, command: Command, *, stop_signal: int, stop_timeout_s: float, log: str | None = None
    ) -> Child:
        """Start a child; `log` is the component whose log it writes to, if not its own."""
        popen = spawn(
            command.argv,
            env=command.env,
            cwd=command.cwd,
            log=self._directory.log(log or name),
            death_signal=stop_signal,
        )
        child = Child(popen, stop_signal, stop_timeout_s)
        self._alive.append(child)
        identity = identify(popen.pid, stop_signal, stop_timeout_s)
        if identity is not None:
            identity.save(self._directory.run / f"{name}.json")
        return child

    def forget(self, name: str) -> None:
        """Its run file is no longer true."""
        (self._directory.run / f"{name}.json").unlink(missing_ok=True)

    async def run_step(self, command: Command, component: str) -> int:
        """Run a program to its end, with its output in the component's log; returns the exit code.

        Cancelled, it kills the program.
        """
        popen = spawn(
            command.argv,
            env=command.env,
            cwd=command.cwd,
            log=self._directory.log(component),
            death_signal=signal.SIGKILL,
        )
        child = Child(popen, signal.SIGTERM, 10.0)
        self._alive.append(child)
        try:
            return await child.wait()
        finally:
            if not child.collect():
                signal_group(child.pid, signal.SIGKILL)

    def collect(self) -> None:
        """Look at every child; called on SIGCHLD."""
        self._alive = [child for child in self._alive if not child.collect()]

    async def sweep(self) -> None:
        """Look at every child now and then, for ever."""
        while True:
            self.collect()
            await asyncio.sleep(_SWEEP_S)
