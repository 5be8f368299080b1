"""Staging folder, moving and leftovers: what must hold when the agent stops between any two steps."""

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from sbs_agent.commands.job import StoppedError
from sbs_agent.commands.restore_leftovers import remove_leftovers
from sbs_agent.commands.restore_marker import Ending, Marker, find_marker, save_marker
from sbs_agent.commands.restore_move import Moved, look_ahead, move_into_place
from sbs_agent.commands.restore_staging import Staging, make_writable
from sbs_agent.journal import Key
from sbs_agent.platform.posix_folder import PosixFolder
from sbs_agent.testing.work import Work
from sbs_protocol.commands import ConflictPolicy, RestoreRun
from sbs_protocol.events import CommandFinished, CommandResult, ErrorCode, Problem, RestoreResult
from sbs_protocol.paths import WirePath
from sbs_restic.cli.commands import backup

SUFFIX = " (restored)"


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    """Three files below `folder`, of which the target has `b` and `c` already."""
    made = Staging(tmp_path / "target", "command")
    (tmp_path / "target" / "folder").mkdir(parents=True)
    made.create()
    (made.files / "folder").mkdir()
    for name in ("a", "b", "c"):
        (made.files / "folder" / name).write_text(f"restored {name}")
    for name in ("b", "c"):
        (made.target / "folder" / name).write_text("mine")
    yield made
    made.close()


def _stops_after(steps: int) -> Callable[[], None]:
    left = iter(range(steps))

    def check() -> None:
        if next(left, None) is None:
            raise StoppedError

    return check


def _never() -> None:
    pass


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize("steps", range(5))
def test_a_move_that_stopped_anywhere_is_gone_on_with_and_gives_no_second_suffix(
    staging: Staging, steps: int
) -> None:
    for allowed in (steps, 100):
        try:
            moved = move_into_place(staging, SUFFIX, _stops_after(allowed))
        except StoppedError:
            continue
    assert _contents(staging.target / "folder") == {
        "a": "restored a",
        "b": "mine",
        "b (restored)": "restored b",
        "c": "mine",
        "c (restored)": "restored c",
    }
    assert sorted(Path(path.text).name for path in moved.renamed) == ["b (restored)", "c (restored)"]


def test_an_intent_whose_rename_never_happened_is_not_reported(staging: Staging) -> None:
    beside = staging.target / "folder" / "b (restored)"
    staging.renamed.write_bytes(b"folder/b\0folder/b (restored)\0")
    beside.write_text("put there by somebody else")
    moved = move_into_place(staging, SUFFIX, _never)
    names = sorted(Path(path.text).name for path in moved.renamed)
    assert names == ["b (restored) 2", "c (restored)"]
    assert beside.read_text() == "put there by somebody else"


def test_without_a_suffix_what_is_there_stays_and_is_counted_the_same_each_time(staging: Staging) -> None:
    assert look_ahead(staging, _never).left == 2
    for _ in range(2):
        moved = move_into_place(staging, None, _never)
        assert (moved.left, moved.left_regular) == (2, 2)
    assert _contents(staging.target / "folder") == {"a": "restored a", "b": "mine", "c": "mine"}


def test_a_read_only_folder_is_moved_and_stays_read_only(staging: Staging) -> None:
    (staging.files / "locked").mkdir()
    (staging.files / "locked" / "x").write_text("x")
    (staging.files / "locked").chmod(0o555)
    move_into_place(staging, None, _never)
    assert (staging.target / "locked").stat().st_mode & 0o777 == 0o555
    assert (staging.target / "locked" / "x").read_text() == "x"
    (staging.target / "locked").chmod(0o755)


def test_a_link_in_the_place_of_the_staging_folder_is_not_followed(staging: Staging, tmp_path: Path) -> None:
    staging.remove()
    (tmp_path / "elsewhere").mkdir()
    staging.folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError, match="a link stands"):
        staging.create()
    staging.remove()
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert staging.folder.is_symlink()


@pytest.mark.skipif(sys.platform != "linux", reason="others can only flush all file systems")
def test_only_the_targets_own_disk_is_waited_for(staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    def waits_for_a_dead_mount() -> None:
        raise AssertionError("all file systems would be waited for")

    monkeypatch.setattr("os.sync", waits_for_a_dead_mount)
    staging.flush()


@pytest.mark.skipif(sys.platform != "linux", reason="others can only flush all file systems")
def test_what_the_disk_did_not_take_ends_the_restore(
    staging: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open
    monkeypatch.setattr(
        "os.open", lambda path, _flags: real(path, os.O_PATH)
    )  # of which the kernel flushes nothing
    with pytest.raises(OSError, match="Bad file descriptor"):
        staging.flush()


@pytest.mark.parametrize("put", ["folder", "parent"])
def test_a_link_put_in_the_place_of_a_folder_lets_nobody_change_the_mode_of_another(
    staging: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put: str
) -> None:
    """The link comes between the look at the folder and the change of its mode."""
    private, folder = tmp_path / "private", staging.files / "parent" / "open"
    (private / "open").mkdir(mode=0o700, parents=True)
    folder.mkdir(parents=True)
    folder.chmod(0o077)
    real = os.open

    def late(path: Path, flags: int) -> int:
        moved = folder if put == "folder" else folder.parent
        moved.rename(tmp_path / "moved")
        moved.symlink_to(private / "open" if put == "folder" else private)
        return real(path, flags)

    with monkeypatch.context() as patch, contextlib.suppress(OSError):
        patch.setattr("sbs_agent.commands.restore_staging.os.open", late)
        make_writable(folder)
    assert (tmp_path / "moved").exists(), "nobody looked at the folder before it was changed"
    assert (private / "open").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give a folder away")
async def test_a_further_attempt_that_meets_a_third_persons_folder_is_refused_by_its_name(
    work: Work, tmp_path: Path
) -> None:
    (tmp_path / "source").write_text("x")
    request = backup.BackupRequest(sources=(str(tmp_path / "source"),), host="machine")
    snapshot = (await backup.run(work.runner, work.repository, request)).summary.snapshot_id
    staging = _left_behind(work, tmp_path / "target")
    staging.folder.rename(tmp_path / "target" / "away")
    bobs = staging.folder / "files"
    bobs.mkdir(parents=True)
    (bobs / "precious").write_text("bob's")
    os.chown(staging.folder, 65534, 65534)
    outcome = await work.run(_body(snapshot, tmp_path / "target", ConflictPolicy.KEEP_BOTH), attempt=2)
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.TARGET_NOT_WRITABLE
    assert str(staging.folder) in outcome.problem.message
    assert (bobs / "precious").read_text() == "bob's"


async def test_a_staging_folder_that_cannot_be_entered_while_files_are_moved_waits_for_the_next_attempt(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = _left_behind(work, tmp_path / "target")
    (staging.files / "restored").write_text("x")
    ended = Ending(result=CommandResult.SUCCEEDED, restore=RestoreResult(files_restored=1))
    folder = WirePath.from_fs(os.fspath(staging.folder))
    save_marker(work.journal, work.id, Marker(phase="moving", staging=folder, suffix="", ending=ended))
    body = _body("0" * 64, tmp_path / "target", ConflictPolicy.REFUSE)
    real = PosixFolder.enter

    def refuses(held: PosixFolder, name: str) -> PosixFolder:
        if name == staging.folder.name:
            raise PermissionError(13, "Permission denied", held.path / name)
        return real(held, name)

    with monkeypatch.context() as patch:
        patch.setattr(PosixFolder, "enter", refuses)
        outcome = await work.run(body, attempt=2)
    assert outcome.problem is not None
    assert (outcome.problem.code, outcome.problem.retryable) == (ErrorCode.TARGET_NOT_WRITABLE, True)
    assert f"{staging.folder}, which holds restored files" in outcome.problem.message
    assert (staging.files / "restored").exists()
    outcome = await work.run(body, attempt=3)
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    assert (tmp_path / "target" / "restored").read_text() == "x"


def test_what_the_target_has_is_not_fetched_unless_it_goes_away(staging: Staging) -> None:
    staging.keep([b"folder/b", b"folder/c"])
    assert (staging.files / "folder" / "b").stat().st_size == 0
    (staging.target / "folder" / "b").unlink()
    assert staging.forget_kept() == (1, [b"/folder/b"])
    assert [path.name for path in (staging.files / "folder").iterdir()] == ["a"]


async def test_skip_fetches_a_file_that_is_a_hard_link_to_one_that_stays(work: Work, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_text("content")
    (source / "b").hardlink_to(source / "a")
    request = backup.BackupRequest(sources=(str(source),), host="machine")
    snapshot = (await backup.run(work.runner, work.repository, request)).summary.snapshot_id
    there = Path(f"{tmp_path}/target{source}")
    there.mkdir(parents=True)
    (there / "a").write_text("mine")
    outcome = await work.run(_body(snapshot, tmp_path / "target", ConflictPolicy.SKIP))
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    assert _contents(there) == {"a": "mine", "b": "content"}


def _move_one_and_stop(staging: Staging, suffix: str | None, _check: Callable[[], None]) -> Moved:
    folders = len((staging.target.parent / "source").parts) - 1  # all of them are there: they are gone into
    return move_into_place(staging, suffix, _stops_after(folders + 1))


def _stop_instead_of(_staging: Staging) -> None:
    raise StoppedError


@pytest.mark.parametrize("policy", [ConflictPolicy.REFUSE, ConflictPolicy.SKIP, ConflictPolicy.KEEP_BOTH])
@pytest.mark.parametrize(
    ("step", "stopped"),
    [
        ("sbs_agent.commands.restore_run.move_into_place", _move_one_and_stop),
        ("sbs_agent.commands.restore_staging.Staging.remove", _stop_instead_of),
    ],
)
async def test_what_was_written_and_verified_is_not_fetched_again(
    work: Work, tmp_path: Path, policy: ConflictPolicy, step: str, stopped: Callable[..., object]
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    for name in ("a", "b", "c"):
        (source / name).write_text(name)
    request = backup.BackupRequest(sources=(str(source),), host="machine")
    snapshot = (await backup.run(work.runner, work.repository, request)).summary.snapshot_id
    there = Path(f"{target}{source}")
    there.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step, stopped)
        first = work.job(_body(snapshot, target, policy))
        first.stop.request("restarting")
        first.stop.event.clear()  # restic is to end by itself; only the step that is named here stops
        with pytest.raises(StoppedError):
            await work.run_job(first)
    assert len(_contents(there)) in {1, 3}
    shutil.rmtree(work.repository.location)
    outcome = await work.run(_body(snapshot, target, policy), attempt=2)
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    assert _contents(there) == {"a": "a", "b": "b", "c": "c"}
    assert outcome.restore is not None
    assert (outcome.restore.files_restored, outcome.restore.files_verified) == (3, 3)
    assert outcome.restore.renamed == []
    assert [path.name for path in target.iterdir()] == [tmp_path.parts[1]]


def _body(snapshot: str, target: Path, policy: ConflictPolicy) -> RestoreRun:
    return RestoreRun(
        restic_repository_id=uuid4(), restic_snapshot_id=snapshot, target_folder=str(target), policy=policy
    )


def _ended(work: Work, at: datetime, *, retryable: bool = True) -> None:
    problem = Problem(code=ErrorCode.REPOSITORY_UNREACHABLE, message="away", retryable=retryable)
    work.journal.finish(
        CommandFinished(
            command_id=work.id, attempt=1, result=CommandResult.FAILED, problem=problem, finished_at=at
        )
    )


def _left_behind(work: Work, target: Path) -> Staging:
    work.job(_body("0" * 64, target, ConflictPolicy.REFUSE))
    target.mkdir()
    staging = Staging(target, work.id)
    staging.create()
    folder = WirePath.from_fs(os.fspath(staging.folder))
    save_marker(work.journal, work.id, Marker(phase="writing", staging=folder, suffix=""))
    return staging


@pytest.mark.parametrize(("days", "remains"), [(6, True), (8, False)])
async def test_what_nobody_goes_on_with_is_removed_after_a_week(
    work: Work, tmp_path: Path, days: int, remains: bool
) -> None:
    staging, now = _left_behind(work, tmp_path / "target"), datetime.now(UTC)
    _ended(work, now - timedelta(days=days))
    await remove_leftovers(work.journal, now)
    assert staging.folder.exists() is remains
    assert (find_marker(work.journal, work.id) is not None) is remains


async def test_a_restore_that_waits_for_its_turn_keeps_its_files(work: Work, tmp_path: Path) -> None:
    staging = _left_behind(work, tmp_path / "target")
    work.journal.remember_cancel(work.id)
    await remove_leftovers(work.journal, datetime.now(UTC) + timedelta(days=99))
    assert staging.folder.exists()


async def test_what_was_cancelled_between_two_attempts_is_removed_at_once(work: Work, tmp_path: Path) -> None:
    staging, now = _left_behind(work, tmp_path / "target"), datetime.now(UTC)
    _ended(work, now)
    work.journal.remember_cancel(work.id)
    await remove_leftovers(work.journal, now)
    assert not staging.folder.exists()
    assert find_marker(work.journal, work.id) is None


async def test_a_restore_that_fails_for_good_leaves_nothing(work: Work, tmp_path: Path) -> None:
    staging = _left_behind(work, tmp_path / "target")
    outcome = await work.run(_body("not an id", tmp_path / "target", ConflictPolicy.REFUSE))
    assert outcome.result is CommandResult.FAILED
    assert not staging.folder.exists()
    assert find_marker(work.journal, work.id) is None


async def test_a_restarted_agent_reports_and_keeps_what_is_there(work: Work, tmp_path: Path) -> None:
    staging = _left_behind(work, tmp_path / "target")
    body = _body("0" * 64, tmp_path / "target", ConflictPolicy.REFUSE)
    outcome = await work.run(body, interrupted=True)
    assert outcome.problem is not None
    assert (outcome.problem.code, outcome.problem.retryable) == (ErrorCode.AGENT_RESTARTED, True)
    assert staging.folder.exists()


@pytest.mark.parametrize("result", [CommandResult.SUCCEEDED, CommandResult.COMPLETED_WITH_WARNINGS])
def test_the_marker_goes_in_the_transaction_that_ends_the_command(work: Work, result: CommandResult) -> None:
    work.job(_body("0" * 64, Path("/x"), ConflictPolicy.OVERWRITE))
    save_marker(work.journal, work.id, Marker(phase="writing", staging=None, suffix=""))
    assert find_marker(work.journal, work.id) is not None
    key = Key(work.id, 1)
    finished = CommandFinished(
        command_id=key.command_id, attempt=1, result=result, finished_at=datetime.now(UTC)
    )
    work.journal.finish(finished)
    assert find_marker(work.journal, work.id) is None


async def test_skip_starts_over_where_a_file_is_older_than_any_time_that_can_be_set(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such times can't be made on every file system, so the border is moved instead."""
    monkeypatch.setattr("sbs_agent.commands.restore_plan._OLDEST", datetime.now(UTC) + timedelta(days=1))
    monkeypatch.setattr("sbs_agent.commands.restore_staging.Staging.age", lambda _staging: None)
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "a").write_text("whole")
    request = backup.BackupRequest(sources=(str(source),), host="machine")
    snapshot = (await backup.run(work.runner, work.repository, request)).summary.snapshot_id
    staging = _left_behind(work, target)
    torn = Path(f"{staging.files}{source}/a")
    torn.parent.mkdir(parents=True)
    torn.write_text("who..")
    outcome = await work.run(_body(snapshot, target, ConflictPolicy.SKIP), attempt=2)
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    assert Path(f"{target}{source}/a").read_text() == "whole"
