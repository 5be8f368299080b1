"""The real agent, as a process of its own."""
# ruff: noqa: S101 - test code, kept outside of the tests folder

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from sbs_agent.presence import Status


class AgentProcess:
    def __init__(self, state: Path, restic: Path) -> None:
        self.state = state
        self._environment = {**os.environ, "SBS_RESTIC": str(restic)}
        self._log = state.parent / "agent.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sbs_agent", "run", "--log", "json", "--state-dir", str(self.state)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8") if self._log.exists() else ""

    def restic_processes(self) -> list[psutil.Process]:
        children = psutil.Process(self.pid).children(recursive=True)
        return [child for child in children if _runs(child)]

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def terminate(self) -> int:
        """SIGTERM, and the exit code; fails if it takes longer than the agent promises."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=20)

    def status(self) -> Status | None:
        try:
            return Status.model_validate_json((self.state / "status.json").read_text())
        except FileNotFoundError:
            return None

    async def until_online(self, *, online: bool = True) -> None:
        async with asyncio.timeout(60):
            while (status := self.status()) is None or status.online is not online or status.pid != self.pid:
                assert self._process is not None
                assert self._process.poll() is None, self.log
                await asyncio.sleep(0.05)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
