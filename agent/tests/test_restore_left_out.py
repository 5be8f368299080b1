"""Restores that skip what is there, where things of another kind stand: nothing is left out silently."""

import os
from pathlib import Path
from uuid import uuid4

import pytest

from sbs_agent.commands.job import Outcome, StoppedError
from sbs_agent.testing.work import Work
from sbs_protocol.commands import ConflictPolicy, RestoreRun
from sbs_protocol.events import CommandResult, ErrorCode, RestoreResult
from sbs_restic.cli.commands import backup


@pytest.fixture
async def snapshot(work: Work, tmp_path: Path) -> str:
    """A folder with two files and a link (15 bytes), and a file beside it (4 bytes)."""
    source = tmp_path / "source"
    (source / "folder" / "deep").mkdir(parents=True)
    (source / "folder" / "a").write_text("ten bytes!")
    (source / "folder" / "deep" / "b").write_text("five5")
    (source / "folder" / "link").symlink_to("a")
    (source / "file").write_text("four")
    request = backup.BackupRequest(sources=(str(source),), host="machine")
    return (await backup.run(work.runner, work.repository, request)).summary.snapshot_id


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """Where the source's files get to in the target."""
    folder = Path(f"{tmp_path}/target{tmp_path}/source")
    folder.mkdir(parents=True)
    return folder


async def _skip(
    work: Work, snapshot: str, tmp_path: Path, *, attempt: int = 1
) -> tuple[Outcome, RestoreResult]:
    body = RestoreRun(
        restic_repository_id=uuid4(),
        restic_snapshot_id=snapshot,
        target_folder=str(tmp_path / "target"),
        policy=ConflictPolicy.SKIP,
    )
    outcome = await work.run(body, attempt=attempt)
    return outcome, outcome.restore or RestoreResult()


def _named(work: Work, source: Path) -> dict[str, str]:
    warnings = [warning for warning in work.warnings() if warning.code == "left_out"]
    return {os.path.relpath(warning.path.text, source): warning.message for warning in warnings}


async def test_all_that_a_file_in_the_place_of_a_folder_keeps_out_is_named(
    work: Work, snapshot: str, tmp_path: Path, there: Path
) -> None:
    (there / "folder").write_text("mine")
    outcome, report = await _skip(work, snapshot, tmp_path)
    assert outcome.result is CommandResult.COMPLETED_WITH_WARNINGS, outcome.problem
    assert (there / "folder").read_text() == "mine"
    assert (there / "file").read_text() == "four"
    reason = f"left out: a file stands at {there}/folder, where the snapshot has a folder"
    left = ("folder", "folder/a", "folder/deep/b", "folder/link")
    assert _named(work, tmp_path / "source") == dict.fromkeys(left, reason)
    assert (report.files_restored, report.files_skipped, report.files_failed) == (1, 0, 3)
    assert (report.bytes_restored, report.bytes_skipped, report.files_verified) == (4, 0, 1)


async def test_a_folder_in_the_place_of_a_file_is_named(
    work: Work, snapshot: str, tmp_path: Path, there: Path
) -> None:
    (there / "file").mkdir()
    (there / "file" / "mine").write_text("mine")
    outcome, report = await _skip(work, snapshot, tmp_path)
    assert outcome.result is CommandResult.COMPLETED_WITH_WARNINGS, outcome.problem
    assert (there / "file" / "mine").read_text() == "mine"
    reason = f"left out: a folder stands at {there}/file, where the snapshot has a file"
    assert _named(work, tmp_path / "source") == {"file": reason}
    assert (report.files_restored, report.files_skipped, report.files_failed) == (3, 0, 1)
    assert (report.bytes_restored, report.bytes_skipped, report.files_verified) == (15, 0, 2)


async def test_a_link_that_comes_into_the_place_of_a_folder_meanwhile_is_named_and_not_followed(
    work: Work, snapshot: str, tmp_path: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is there from the start refuses the whole restore."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(
        "sbs_agent.commands.restore_staging.Staging.flush",
        lambda _staging: (there / "folder").symlink_to(elsewhere),
    )
    outcome, report = await _skip(work, snapshot, tmp_path)
    assert outcome.result is CommandResult.COMPLETED_WITH_WARNINGS, outcome.problem
    assert list(elsewhere.iterdir()) == []
    reason = f"left out: a symbolic link stands at {there}/folder, where the snapshot has a folder"
    assert set(_named(work, tmp_path / "source").values()) == {reason}
    assert (report.files_restored, report.files_failed, report.bytes_restored) == (1, 3, 4)


async def test_a_restore_of_which_nothing_gets_in_has_failed(
    work: Work, snapshot: str, tmp_path: Path, there: Path
) -> None:
    there.rmdir()
    there.write_text("mine")
    outcome, report = await _skip(work, snapshot, tmp_path)
    assert outcome.result is CommandResult.FAILED
    assert outcome.problem is not None
    assert (outcome.problem.code, outcome.problem.retryable) == (ErrorCode.TARGET_EXISTS, False)
    assert [path.text for path in outcome.problem.paths] == [str(there)]
    assert (report.files_restored, report.files_failed, report.bytes_restored) == (0, 4, 0)
    assert there.read_text() == "mine"
    assert [path.name for path in (tmp_path / "target").iterdir()] == [tmp_path.parts[1]]


async def test_files_that_stay_as_the_policy_says_are_skipped_and_not_left_out(
    work: Work, snapshot: str, tmp_path: Path, there: Path
) -> None:
    (there / "folder").mkdir()
    (there / "folder" / "a").write_text("mine")
    (there / "file").symlink_to("folder")
    outcome, report = await _skip(work, snapshot, tmp_path)
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    assert _named(work, tmp_path / "source") == {}
    assert (report.files_restored, report.files_skipped, report.files_failed) == (2, 2, 0)
    assert (report.bytes_restored, report.bytes_skipped) == (5, 14)


async def test_the_bytes_of_a_file_that_is_fetched_late_count_as_restored(
    work: Work, snapshot: str, tmp_path: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one in the target went away while restic was at work."""
    (there / "file").write_text("mine")
    real = work.runner.run

    async def runs(invocation, **options):  # type: ignore[no-untyped-def]  # as the runner's own
        if invocation.name == "restore":
            (there / "file").unlink(missing_ok=True)
        return await real(invocation, **options)

    with monkeypatch.context() as patch:
        patch.setattr(work.runner, "run", runs)
        outcome, report = await _skip(work, snapshot, tmp_path)
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    assert (there / "file").read_text() == "four"
    assert (report.files_restored, report.files_skipped) == (4, 0)
    assert (report.bytes_restored, report.bytes_skipped) == (19, 0)


async def test_what_was_left_out_is_named_again_by_the_attempt_that_only_reports(
    work: Work, snapshot: str, tmp_path: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (there / "folder").write_text("mine")

    def stops(_staging: object) -> None:
        raise StoppedError

    with monkeypatch.context() as patch:
        patch.setattr("sbs_agent.commands.restore_staging.Staging.remove", stops)
        with pytest.raises(StoppedError):
            await _skip(work, snapshot, tmp_path)
    assert len(_named(work, tmp_path / "source")) == 4
    outcome, report = await _skip(work, snapshot, tmp_path, attempt=2)
    assert outcome.result is CommandResult.COMPLETED_WITH_WARNINGS, outcome.problem
    assert len(_named(work, tmp_path / "source")) == 4
    assert (report.files_restored, report.files_failed) == (1, 3)
