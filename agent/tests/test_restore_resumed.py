"""A restore whose agent is killed in the middle, with real restic: the next attempt keeps the policy's promise."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import psutil
import pytest

from sbs_agent.testing.agent_process import AgentProcess
from sbs_agent.testing.bus import ControlSide
from sbs_agent.testing.site import Site
from sbs_protocol.commands import Command, CommandCancel, ConflictPolicy, RestoreRun
from sbs_protocol.events import CommandFinished, CommandResult, ErrorCode, Hello
from sbs_protocol.identifiers import command_id
from sbs_restic.cli.commands import backup
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository

FILES = 8
FILE_BYTES = 5_000_000  # several packs in all: one of them gets through before the agent is killed
MINE, NEW = "mine: here before", "new: came while the agent was dead"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    for number in range(FILES):
        (folder / "deep" / str(number)).write_bytes(os.urandom(FILE_BYTES))
    os.utime(folder / "deep" / "0", (0, 0))
    (folder / "taken.txt").write_text("taken")
    (folder / "late.txt").write_text("late")
    (folder / "link").symlink_to("taken.txt")
    return folder


@pytest.fixture
async def snapshot(source: Path, runner: Runner, repository: Repository) -> str:
    request = backup.BackupRequest(sources=(str(source),), host="machine")
    return (await backup.run(runner, repository, request)).summary.snapshot_id


class Interrupted:
    """Attempt 1 was killed while restic wrote; `resume` makes attempt 2."""

    def __init__(self, agent: AgentProcess, control: ControlSide, site: Site, target: Path) -> None:
        self.agent, self.control, self.site, self.target = agent, control, site, target

    async def start_and_kill(self, body: RestoreRun) -> Command:
        await self.control.connect()
        self.site.plane.store.hold_downloads()
        self.agent.start()
        command = await self.control.send(command_id(uuid4(), "restore", UUID(int=9)), body)
        await self.control.until(self.site.plane.store.downloading.is_set)
        await self.control.until(lambda: bool(self.large_files()))
        restic = self.agent.restic_processes()
        assert restic != []
        self.agent.kill()
        psutil.wait_procs(restic, timeout=30)
        self.site.plane.store.release()
        self._tear(self.large_files()[0])
        return command

    @staticmethod
    def _tear(file: Path) -> None:
        """Half-written for certain: which part restic had written is not ours to choose."""
        with file.open("r+b") as stream:
            stream.seek(FILE_BYTES // 2)
            stream.write(bytes(FILE_BYTES - FILE_BYTES // 2))

    async def resume(self, command: Command) -> CommandFinished:
        self.agent.start()
        await self.control.until(self.control.outcomes)
        first = self.control.outcomes()[0]
        assert first.problem is not None
        assert (first.problem.code, first.problem.retryable) == (ErrorCode.AGENT_RESTARTED, True)
        await self.control.send(command.command_id, command.body, attempt=2)
        await self.control.until(lambda: len(self.control.outcomes()) == 2)
        self.agent.terminate()
        return self.control.outcomes()[1]

    def large_files(self) -> list[Path]:
        """Files that restic has begun to write; their size is right from the start."""
        return [path for path in self.target.rglob("deep/*") if path.stat().st_size == FILE_BYTES]

    def remembered(self) -> int:
        with closing(sqlite3.connect(self.agent.state / "journal.db")) as connection:
            (count,) = connection.execute("SELECT count(*) FROM restore").fetchone()
        return int(count)


@pytest.fixture
def interrupted(agent: AgentProcess, control: ControlSide, site: Site, tmp_path: Path) -> Interrupted:
    return Interrupted(agent, control, site, tmp_path / "target")


def _body(snapshot: str, target: Path, policy: ConflictPolicy) -> RestoreRun:
    return RestoreRun(
        restic_repository_id=uuid4(),
        restic_snapshot_id=snapshot,
        target_folder=str(target),
        policy=policy,
    )


def _as_it_was(source: Path, restored: Path, *, but: tuple[str, ...] = ()) -> None:
    """Contents, links and times equal the source's, but for these names."""
    for path in source.rglob("*"):
        name = str(path.relative_to(source))
        if path.is_dir() or name in but:
            continue
        there = restored / name
        assert there.lstat().st_mtime_ns == path.lstat().st_mtime_ns, name
        if path.is_symlink():
            assert there.readlink() == path.readlink()
        else:
            assert there.read_bytes() == path.read_bytes(), name


def _nothing_is_left(interrupted: Interrupted) -> None:
    assert [path.name for path in interrupted.target.iterdir() if path.name.startswith(".sbs")] == []
    assert interrupted.remembered() == 0


def _half_written(interrupted: Interrupted, source: Path) -> bool:
    contents = {path.name: path.read_bytes() for path in (source / "deep").iterdir()}
    return any(path.read_bytes() != contents[path.name] for path in interrupted.large_files())


async def _between_attempts(
    interrupted: Interrupted, source: Path, body: RestoreRun, do: Callable[[Path], object]
) -> tuple[CommandFinished, Path]:
    """Gives the end of attempt 2, and where the source's files are."""
    there = Path(f"{interrupted.target}{source}")
    command = await interrupted.start_and_kill(body)
    assert _half_written(interrupted, source)
    assert interrupted.remembered() == 1
    do(there)
    return await interrupted.resume(command), there


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


async def test_refuse_does_not_refuse_its_own_files(
    interrupted: Interrupted, source: Path, snapshot: str
) -> None:
    body = _body(snapshot, interrupted.target, ConflictPolicy.REFUSE)
    outcome, there = await _between_attempts(interrupted, source, body, lambda _: None)
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    _as_it_was(source, there)
    assert outcome.restore is not None
    assert (outcome.restore.files_restored, outcome.restore.files_verified) == (FILES + 3, FILES + 2)
    _nothing_is_left(interrupted)


async def test_refuse_refuses_what_somebody_put_there_meanwhile(
    interrupted: Interrupted, source: Path, snapshot: str
) -> None:
    body = _body(snapshot, interrupted.target, ConflictPolicy.REFUSE)
    outcome, there = await _between_attempts(
        interrupted, source, body, lambda folder: _write(folder / "late.txt", NEW)
    )
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.TARGET_EXISTS
    assert [path.text for path in outcome.problem.paths] == [str(there / "late.txt")]
    assert [path.name for path in there.rglob("*")] == ["late.txt"]
    assert (there / "late.txt").read_text() == NEW
    _nothing_is_left(interrupted)


async def test_skip_keeps_the_files_of_others_and_no_half_written_one_of_its_own(
    interrupted: Interrupted, source: Path, snapshot: str
) -> None:
    before = Path(f"{interrupted.target}{source}") / "taken.txt"
    _write(before, MINE)
    body = _body(snapshot, interrupted.target, ConflictPolicy.SKIP)
    outcome, there = await _between_attempts(
        interrupted, source, body, lambda folder: _write(folder / "late.txt", NEW)
    )
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    assert (there / "taken.txt").read_text() == MINE
    assert (there / "late.txt").read_text() == NEW
    _as_it_was(source, there, but=("taken.txt", "late.txt"))
    assert outcome.restore is not None
    assert (outcome.restore.files_skipped, outcome.restore.files_verified) == (2, FILES)
    _nothing_is_left(interrupted)


async def test_overwrite_leaves_no_half_written_file(
    interrupted: Interrupted, source: Path, snapshot: str
) -> None:
    there = Path(f"{interrupted.target}{source}")
    _write(there / "taken.txt", MINE)
    _write(there / "stays.txt", MINE)
    body = _body(snapshot, interrupted.target, ConflictPolicy.OVERWRITE)
    outcome, there = await _between_attempts(interrupted, source, body, lambda _: None)
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    _as_it_was(source, there)
    assert (there / "stays.txt").read_text() == MINE
    assert outcome.restore is not None
    assert outcome.restore.files_verified == FILES + 2
    _nothing_is_left(interrupted)


async def test_keep_both_gives_no_second_suffix(
    interrupted: Interrupted, source: Path, snapshot: str
) -> None:
    there = Path(f"{interrupted.target}{source}")
    _write(there / "taken.txt", MINE)
    body = _body(snapshot, interrupted.target, ConflictPolicy.KEEP_BOTH)
    outcome, there = await _between_attempts(
        interrupted, source, body, lambda folder: _write(folder / "late.txt", NEW)
    )
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    assert (there / "taken.txt").read_text() == MINE
    assert (there / "late.txt").read_text() == NEW
    assert outcome.restore is not None
    beside = sorted(Path(path.text) for path in outcome.restore.renamed)
    assert [path.read_text() for path in beside] == ["late", "taken"]
    assert {path.name for path in there.iterdir()} == {
        "deep",
        "late.txt",
        "link",
        "taken.txt",
        *[p.name for p in beside],
    }
    _as_it_was(source, there, but=("taken.txt", "late.txt"))
    _nothing_is_left(interrupted)


async def test_a_restore_that_gets_no_further_attempt_leaves_nothing_once_that_is_said(
    interrupted: Interrupted, source: Path, snapshot: str
) -> None:
    """The hello names it, so that the control plane can say it even long after."""
    control, agent = interrupted.control, interrupted.agent
    command = await interrupted.start_and_kill(_body(snapshot, interrupted.target, ConflictPolicy.REFUSE))
    agent.start()
    await control.until(control.outcomes)
    agent.terminate()
    greeted = len(control.of_kind("hello"))
    agent.start()
    await control.until(lambda: len(control.of_kind("hello")) > greeted)
    hello = control.of_kind("hello")[-1].body
    assert isinstance(hello, Hello)
    assert hello.unfinished_restores == [command.command_id]
    assert interrupted.large_files() != []
    cancel = CommandCancel(target_command_id=command.command_id)
    await control.send(command_id(uuid4(), "cancel", UUID(int=9)), cancel)
    await control.until(lambda: not list(interrupted.target.glob(".sbs*")))
    await control.until(lambda: interrupted.remembered() == 0)
    assert len(control.outcomes()) == 1, "a cancellation of what has ended is not answered"
    agent.terminate()
