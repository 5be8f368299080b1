"""Three moments of a run, each held still so that a fault falls into it and nowhere else.

start: restic's process is there and has moved nothing. middle: a part is written. summary: restic has done all of it
and has ended, and its agent, standing still, has told nobody. Each is proved by files and processes before the fault.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import psutil

from demo.waiting import until
from tests.harness.installation import Agent, Installation
from tests.harness.witness import digest, restic_of, rows, snapshots, standing_still

_BEGIN_S, _MOVE_S, _END_S = 60, 60, 120
_OFTEN_S = 0.003


class Moment(StrEnum):
    START = "start"
    MIDDLE = "middle"
    SUMMARY = "summary"


class Traces(Protocol):
    """What restic leaves behind outside of the platform's own words."""

    @property
    def command(self) -> str:
        """restic's command, as in its command line."""

    def nothing(self) -> bool: ...
    def some(self) -> bool: ...
    def everything(self) -> bool: ...


@dataclass
class Packs:
    """A backup's traces in a repository that had no snapshot before; asked for once restic is at work."""

    find: Callable[[], Path]
    command: str = "backup"

    @cached_property
    def repository(self) -> Path:
        return self.find()

    def nothing(self) -> bool:
        return not self._packs() and not snapshots(self.repository)

    def some(self) -> bool:
        return self._packs()

    def everything(self) -> bool:
        return len(snapshots(self.repository)) == 1

    def _packs(self) -> bool:
        return any(entry.is_file() for entry in (self.repository / "data").rglob("*"))


@dataclass(frozen=True, slots=True)
class Copies:
    """A restore's traces: files with the names of the originals anywhere below the target."""

    originals: Path
    target: Path
    command: str = "restore"

    def nothing(self) -> bool:
        return self._written() == 0

    def some(self) -> bool:
        # How much is there can't be told from sizes: restic takes a file's whole room before it writes.
        return self._written() > 0

    def everything(self) -> bool:
        return digests(self._files()) == digests(self.originals.iterdir())

    def _written(self) -> int:
        """Bytes on disk; a file that was only made has none."""
        return sum(file.stat().st_blocks for file in self._files()) * 512

    def _files(self) -> list[Path]:
        return [entry for entry in self.target.rglob("*") if entry.is_file()]


def digests(files: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of each file by its name."""
    return {file.name: digest(file) for file in files}


@contextmanager
def held(
    installation: Installation, agent: Agent, run: dict[str, Any], traces: Traces, moment: Moment
) -> Iterator[psutil.Process]:
    """restic at the moment, or ended at `summary`; all goes on when the block ends. Raises AssertionError, DemoError.

    The agent may be killed in the block.
    """
    restic = _found(agent, traces.command)
    with standing_still(restic):
        if moment is Moment.START:
            assert traces.nothing(), "restic was too quick: it has moved something already"
            _assert_open(installation, run)
            yield restic
            return
    until(lambda: _while_alive(restic, traces.some), _MOVE_S, "a part to be written", pause_s=_OFTEN_S)
    with standing_still(restic):
        assert not traces.everything(), "restic was too quick: nothing is in the middle any more"
        if moment is Moment.MIDDLE:
            _assert_open(installation, run)
            yield restic
            return
        process = agent.alive()
        process.suspend()
    try:
        until(lambda: True if _ended(restic) else None, _END_S, "restic to come to its end")
        assert traces.everything(), "restic has ended without having done its work"
        _assert_open(installation, run)
        yield restic
    finally:
        if process.is_running():
            process.resume()


def _found(agent: Agent, command: str) -> psutil.Process:
    what = f"restic {command} to be started"
    return until(lambda: restic_of(agent, command), _BEGIN_S, what, pause_s=_OFTEN_S)


def _while_alive(restic: psutil.Process, found: Callable[[], bool]) -> bool | None:
    assert not _ended(restic), "restic had ended before the fault: the test would prove nothing"
    return True if found() else None


def _ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _assert_open(installation: Installation, run: dict[str, Any]) -> None:
    """The platform has not been told of an end: the command is still the agent's."""
    query = "SELECT state, finished_at FROM command WHERE run_id = :run"
    states = [(row["state"], row["finished_at"]) for row in rows(installation, query, run=run["id"])]
    assert states, "no command was ordered"
    assert all(state != "finished" and ended is None for state, ended in states), states
