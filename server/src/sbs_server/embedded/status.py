"""`sbs status`: what the supervisor last wrote, checked against what really lives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from sbs_server.embedded.layout import DataDirectory
from sbs_server.embedded.orphans import left_behind, live_supervisor
from sbs_server.embedded.process import ProcessIdentity
from sbs_server.embedded.state import ComponentState, read_states


@dataclass(frozen=True, slots=True)
class Row:
    """A component now. `memory_bytes`: it and all it started, shared parts counted once where that is allowed."""

    component: str
    pid: int | None
    state: str
    restarts: int
    memory_bytes: int | None
    port: int | None
    since: str
    detail: str


@dataclass(frozen=True, slots=True)
class Status:
    """The whole platform. `supervisor_pid` is None if no supervisor runs."""

    data_dir: str
    supervisor_pid: int | None
    components: Sequence[Row]

    @property
    def exit_code(self) -> int:
        """0 all is ready, 1 something is not, 3 nothing runs (as service managers have it)."""
        if self.supervisor_pid is None:
            return 3
        return 0 if all(row.state in {"ready", "done"} for row in self.components) else 1

    def document(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def status(data_dir: Path) -> Status:
    """Look now. Errors: DataDirectoryError."""
    directory = DataDirectory(data_dir)
    supervisor = live_supervisor(directory)
    alive = supervisor is not None
    rows = [
        _row(state) if alive else replace(_row(state), state="stopped") for state in read_states(directory)
    ]
    if not alive:
        orphans = left_behind(directory)
        rows = [_orphan(row, orphans) for row in rows]
    return Status(str(data_dir), supervisor.pid if supervisor else None, rows)


def _row(state: ComponentState) -> Row:
    memory = _memory(state.pid) if state.pid is not None else None
    return Row(
        state.name, state.pid, state.state, state.restarts, memory, state.port, state.since, state.detail
    )


def _orphan(row: Row, orphans: dict[str, ProcessIdentity]) -> Row:
    if row.component not in orphans:
        return replace(row, pid=None, memory_bytes=None)
    return replace(row, state="orphan", pid=orphans[row.component].pid)


def _memory(pid: int) -> int | None:
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return None
    return sum(_memory_of(one) for one in family)


def _memory_of(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.AccessDenied, AttributeError):
        return _resident(process)
    except psutil.NoSuchProcess:
        return 0


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
