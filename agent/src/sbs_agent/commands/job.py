"""A command at work: what its handler gets, and what it gives back."""

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from sbs_agent.journal import Key
from sbs_agent.reporting import Reporter
from sbs_protocol.commands import Command
from sbs_protocol.events import BackupResult, CommandResult, Problem, RestoreResult

StopReason = Literal["cancelled", "restarting"]


class Stop:
    """Asks a command to end. The first reason counts."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.reason: StopReason | None = None

    def request(self, reason: StopReason) -> None:
        self.reason = self.reason or reason
        self.event.set()

    async def sleep(self, seconds: float) -> None:
        """Returns early when stopped."""
        try:
            async with asyncio.timeout(seconds):
                await self.event.wait()
        except TimeoutError:
            return


class StoppedError(Exception):
    """The handler ended because it was asked to; the executor knows why."""


@dataclass(frozen=True, slots=True)
class Job:
    """`interrupted`: this very attempt was running when the agent died."""

    command: Command
    reporter: Reporter
    interrupted: bool = False
    stop: Stop = field(default_factory=Stop)

    @property
    def key(self) -> Key:
        return Key(self.command.command_id, self.command.attempt)

    def check(self) -> None:
        """Raises `StoppedError` if the command was asked to end."""
        if self.stop.event.is_set():
            raise StoppedError


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended; becomes its `command.finished`."""

    result: CommandResult
    problem: Problem | None = None
    restic_exit_code: int | None = None
    backup: BackupResult | None = None
    restore: RestoreResult | None = None
