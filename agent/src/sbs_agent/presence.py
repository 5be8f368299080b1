"""What the agent is doing right now, for the person at the machine: kept in memory, written to status.json."""

import asyncio
from datetime import datetime
from pathlib import Path

import structlog
from pydantic import BaseModel

from sbs_agent.files import write_atomically
from sbs_agent.keys import utc_now
from sbs_protocol.events import Progress

log = structlog.get_logger(__name__)


class RunningCommand(BaseModel):
    command_id: str
    attempt: int
    kind: str
    since: datetime
    waiting: bool = True  # for another command on the same repository, or for a free slot
    progress: Progress | None = None


class Status(BaseModel):
    """Content of status.json."""

    pid: int
    written_at: datetime
    online: bool = False
    since: datetime
    reason: str | None = None  # why offline
    commands: list[RunningCommand] = []


class Presence:
    """Marks changes; `write_now_and_then` puts them on disk without a write for every percent."""

    def __init__(self, pid: int) -> None:
        now = utc_now()
        self.status = Status(pid=pid, written_at=now, since=now, reason="starting")
        self._changed = asyncio.Event()

    def online(self) -> None:
        self._connection(online=True, reason=None)

    def offline(self, reason: str) -> None:
        self._connection(online=False, reason=reason)

    def _connection(self, *, online: bool, reason: str | None) -> None:
        if self.status.online != online:
            self.status.since = utc_now()
        self.status.online, self.status.reason = online, reason
        self._changed.set()

    def begin(self, command_id: str, attempt: int, kind: str) -> None:
        command = RunningCommand(command_id=command_id, attempt=attempt, kind=kind, since=utc_now())
        self.status.commands = [*self._without(command_id, attempt), command]
        self._changed.set()

    def end(self, command_id: str, attempt: int) -> None:
        self.status.commands = self._without(command_id, attempt)
        self._changed.set()

    def progress(self, progress: Progress) -> None:
        for command in self.status.commands:
            if (command.command_id, command.attempt) == (progress.command_id, progress.attempt):
                command.waiting, command.progress = False, progress
        self._changed.set()

    def _without(self, command_id: str, attempt: int) -> list[RunningCommand]:
        return [c for c in self.status.commands if (c.command_id, c.attempt) != (command_id, attempt)]

    async def write_now_and_then(self, file: Path, pause: float) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            self.write(file)
            await asyncio.sleep(pause)

    def write(self, file: Path) -> None:
        self.status.written_at = utc_now()
        try:
            write_atomically(file, self.status.model_dump_json().encode())
        except OSError as error:
            log.warning("status.json not written", reason=str(error))  # a picture only; the work goes on
