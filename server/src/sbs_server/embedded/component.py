"""What a component is: a row of the table that the supervisor works through."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sbs_server.config import Settings
from sbs_server.embedded.layout import DataDirectory

# Runs a program to its end as the supervisor's child; returns its exit code.
RunStep = Callable[["Command", str], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Command:
    """How a process is started. No secrets in here: arguments and environment are visible to others."""

    argv: Sequence[str | Path]
    cwd: Path
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Context:
    """What components may know: settings, data directory, ports, and a way to run a program to its end."""

    settings: Settings
    directory: DataDirectory
    ports: Mapping[str, int]
    run_step: RunStep

    def command(self, argv: Sequence[str | Path], folder: str) -> Command:
        """A server binary, with an environment of its own: nothing of ours leaks into it."""
        home = self.directory.folder(folder)
        env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(home), "TMPDIR": str(home)}
        return Command(argv, home, env)


CommandOf = Callable[[Context], Command]
Check = Callable[[Context], Awaitable[bool]]
Step = Callable[[Context], Awaitable[None]]


async def nothing(context: Context) -> None:
    """A step that has nothing to do."""
    del context


@dataclass(frozen=True, slots=True)
class Component:
    """One row. A `one_shot` runs to its end at each start and must exit with 0 before others go on."""

    name: str
    command: CommandOf
    ready: Check | None
    needs: Sequence[str] = ()
    ports: Sequence[str] = ()
    prepare: Step = nothing
    after_ready: Step = nothing
    stop_signal: int = signal.SIGTERM
    stop_timeout_s: float = 20.0
    start_timeout_s: float = 120.0  # seconds, on a machine that is busy with other things
    one_shot: bool = False
    reload_signal: int | None = None
