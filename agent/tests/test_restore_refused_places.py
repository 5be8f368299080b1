"""Restores whose files the system does not let be put at their places: the truth is told of each of them."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from sbs_agent.commands.job import Outcome, StoppedError
from sbs_agent.platform import platform, posix_folder
from sbs_agent.testing.work import Work
from sbs_protocol.commands import ConflictPolicy, RestoreRun
from sbs_protocol.events import CommandResult, ErrorCode, RestoreResult
from sbs_protocol.paths import WirePath
from sbs_restic.cli.commands import backup, restore
from sbs_restic.cli.messages import ItemError

POLICIES = [ConflictPolicy.REFUSE, ConflictPolicy.SKIP, ConflictPolicy.KEEP_BOTH]


@pytest.fixture
async def snapshot(work: Work, tmp_path: Path) -> str:
    """Three files (4 bytes each), two of them in a folder."""
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    for name in ("a", "folder/b", "folder/c"):
        (source / name).write_text("four")
    request = backup.BackupRequest(sources=(str(source),), host="machine")
    return (await backup.run(work.runner, work.repository, request)).summary.snapshot_id


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """Where the source's files get to in the target."""
    folder = Path(f"{tmp_path}/target{tmp_path}/source")
    (folder / "folder").mkdir(parents=True)
    return folder


async def _run(
    work: Work, snapshot: str, target: Path, policy: ConflictPolicy, *chosen: Path, attempt: int = 1
) -> tuple[Outcome, RestoreResult]:
    body = RestoreRun(
        restic_repository_id=uuid4(),
        restic_snapshot_id=snapshot,
        selection=[WirePath.from_fs(os.fspath(path)) for path in chosen],
        target_folder=str(target),
        policy=policy,
    )
    outcome = await work.run(body, attempt=attempt)
    return outcome, outcome.restore or RestoreResult()


def _refuse_renames(patch: pytest.MonkeyPatch, number: int, refused: Callable[[str], bool]) -> None:
    """As the kernel does for a folder that may not be written to, a bind mount or a quota."""
    real = posix_folder._rename_exclusively

    def rename(source: int, name: str, target: int, new_name: str) -> bool:
        if refused(name):
            raise OSError(number, os.strerror(number), new_name)
        return real(source, name, target, new_name)

    patch.setattr(posix_folder, "_rename_exclusively", rename)


def _failed(work: Work) -> dict[str, str]:
    return {one.path.text: one.message for one in work.warnings() if one.code == "restore_failed"}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("number", [errno.EACCES, errno.EXDEV, errno.EDQUOT])
async def test_a_file_that_is_refused_its_place_is_named_and_the_others_are_counted(
    work: Work,
    snapshot: str,
    tmp_path: Path,
    there: Path,
    monkeypatch: pytest.MonkeyPatch,
    policy: ConflictPolicy,
    number: int,
) -> None:
    _refuse_renames(monkeypatch, number, lambda name: name == "b")
    outcome, report = await _run(work, snapshot, tmp_path / "target", policy)
    assert outcome.result is CommandResult.COMPLETED_WITH_WARNINGS, outcome.problem
    assert (report.files_restored, report.files_failed, report.files_skipped) == (2, 1, 0)
    assert (report.bytes_restored, report.files_verified) == (8, 2)
    reason = f"not put at its place: {there}/folder/b: {os.strerror(number)}"
    assert _failed(work) == {f"{tmp_path}/source/folder/b": reason}
    assert {path.name for path in there.rglob("*")} == {"a", "folder", "c"}


async def test_what_is_in_a_folder_that_is_refused_its_place_is_named(
    work: Work, snapshot: str, tmp_path: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (there / "folder").rmdir()
    _refuse_renames(monkeypatch, errno.EACCES, lambda name: name == "folder")
    outcome, report = await _run(work, snapshot, tmp_path / "target", ConflictPolicy.SKIP)
    assert outcome.result is CommandResult.COMPLETED_WITH_WARNINGS, outcome.problem
    assert (report.files_restored, report.files_failed, report.bytes_restored) == (1, 2, 4)
    source = tmp_path / "source"
    assert set(_failed(work)) == {f"{source}/folder", f"{source}/folder/b", f"{source}/folder/c"}


@pytest.mark.parametrize("policy", POLICIES)
async def test_a_restore_of_which_nothing_is_let_in_has_failed_and_says_how_much(
    work: Work,
    snapshot: str,
    tmp_path: Path,
    there: Path,
    monkeypatch: pytest.MonkeyPatch,
    policy: ConflictPolicy,
) -> None:
    _refuse_renames(monkeypatch, errno.EACCES, lambda _name: True)
    outcome, report = await _run(work, snapshot, tmp_path / "target", policy)
    assert outcome.result is CommandResult.FAILED
    assert outcome.problem is not None
    assert (outcome.problem.code, outcome.problem.retryable) == (ErrorCode.TARGET_NOT_WRITABLE, False)
    assert f"{there}/a: Permission denied" in outcome.problem.message
    assert (report.files_restored, report.files_failed, report.bytes_restored) == (0, 3, 0)
    assert len(_failed(work)) == 3


def test_a_rename_that_fails_names_the_whole_path(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "target").mkdir()
    long = "n" * 300
    with (
        platform.open_folder(tmp_path) as source,
        source.enter("target") as target,
        pytest.raises(OSError, match="File name too long") as refused,
    ):
        source.move("a", target, long)
    assert refused.value.filename == tmp_path / "target" / long


@pytest.mark.parametrize("step", ["move_into_place", "Staging.remove"])
async def test_what_was_not_restored_is_named_again_by_the_attempt_that_goes_on(
    work: Work, snapshot: str, tmp_path: Path, there: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """restic could not write one, one was refused its place, one is not in the snapshot."""
    source = tmp_path / "source"
    real = restore.run

    async def runs(*arguments: Any, on_item_error: Callable[[ItemError], None], **options: Any) -> Any:
        on_item_error(ItemError.model_validate({"item": f"{source}/a", "error": {"message": "no room"}}))
        done = await real(*arguments, on_item_error=on_item_error, **options)
        next((tmp_path / "target").glob(f".sbs*/files{source}/a")).unlink()
        return done

    def stops(*_: object) -> None:
        raise StoppedError

    _refuse_renames(monkeypatch, errno.EACCES, lambda name: name == "b")
    chosen = (source, tmp_path / "nowhere")
    with monkeypatch.context() as patch:
        patch.setattr(restore, "run", runs)
        where = (
            "restore_run.move_into_place" if step == "move_into_place" else "restore_staging.Staging.remove"
        )
        patch.setattr(f"sbs_agent.commands.{where}", stops)
        with pytest.raises(StoppedError):
            await _run(work, snapshot, tmp_path / "target", ConflictPolicy.SKIP, *chosen)
    work.warnings()
    outcome, report = await _run(work, snapshot, tmp_path / "target", ConflictPolicy.SKIP, *chosen, attempt=2)
    assert outcome.result is CommandResult.COMPLETED_WITH_WARNINGS, outcome.problem
    assert (report.files_restored, report.files_failed) == (1, 2)
    assert _failed(work) == {
        f"{source}/a": "no room",
        f"{source}/folder/b": f"not put at its place: {there}/folder/b: Permission denied",
        f"{tmp_path}/nowhere": "the path is not in the snapshot",
    }
