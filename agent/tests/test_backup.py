"""`backup.run` with real restic and a repository in a folder."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from sbs_agent.commands.job import StoppedError
from sbs_agent.testing.work import Work
from sbs_protocol.commands import BackupRun
from sbs_protocol.events import BackupResult, CommandResult, ErrorCode
from sbs_protocol.identifiers import command_id
from sbs_restic.cli.commands import snapshots


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("one", "two", "three"):
        (folder / name).write_bytes(os.urandom(1000))
    return folder


def _body(*sources: str | Path, **more: object) -> BackupRun:
    fields = {
        "dataset_id": uuid4(),
        "restic_repository_id": uuid4(),
        "sources": [str(s) for s in sources],
        "host": "machine",
        **more,
    }
    return BackupRun.model_validate(fields)


async def test_a_backup_tells_what_restic_says_and_is_tagged_with_its_run(work: Work, source: Path) -> None:
    outcome = await work.run(_body(source, tags=["portal:visible"]))
    assert outcome.result is CommandResult.SUCCEEDED
    assert outcome.restic_exit_code == 0
    assert outcome.backup is not None
    assert outcome.backup.files_new == 3
    assert outcome.backup.bytes_processed == 3000
    (snapshot,) = await snapshots.run(work.runner, work.repository)
    assert snapshot.id == outcome.backup.snapshot_id
    assert set(snapshot.tags) == {"portal:visible", f"sbs:run={work.id.split('.')[0]}"}
    assert snapshot.hostname == "machine"


async def test_progress_begins_before_restic_does(work: Work, source: Path) -> None:
    await work.run(_body(source))
    assert work.progress[0].phase == "starting"


async def test_excluded_files_and_our_own_cache_are_left_out(work: Work, source: Path) -> None:
    cache = work.folder / "agent-state" / "cache"
    cache.mkdir(parents=True)
    (cache / "blob").write_text("x")
    outcome = await work.run(_body(source, cache.parent, excludes=["two"]))
    assert outcome.backup is not None
    assert outcome.backup.files_new == 2


async def test_includes_choose_files_below_the_sources(work: Work, source: Path) -> None:
    outcome = await work.run(_body(source, includes=["two", "one"]))
    assert outcome.backup is not None
    assert outcome.backup.files_new == 2


async def test_with_a_parent_unchanged_files_are_not_read_again_although_masks_choose_them(
    work: Work, source: Path
) -> None:
    body = _body(source, includes=["two", "one", "new"])
    first = await work.run(body)
    assert first.backup is not None
    # Another choice of paths than before: restic itself would find no parent for it.
    (source / "new").write_bytes(b"new")
    alone = await _next_backup(work, body)
    assert (alone.files_unmodified, alone.files_new) == (0, 3)
    named = await _next_backup(work, body.model_copy(update={"parent_snapshot": first.backup.snapshot_id}))
    assert (named.files_unmodified, named.files_new, named.files_changed) == (2, 1, 0)


async def test_a_parent_that_is_gone_is_done_without(
    work: Work, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = await work.run(_body(source, parent_snapshot="ab" * 32))
    assert outcome.result is CommandResult.SUCCEEDED
    assert outcome.backup is not None
    assert outcome.backup.files_new == 3
    assert "the snapshot to compare with is gone" in capsys.readouterr().out


@pytest.mark.parametrize(("compression", "packed"), [("auto", True), ("max", True), ("off", False)])
async def test_data_is_packed_as_the_job_says(
    work: Work, source: Path, compression: str, packed: bool
) -> None:
    (source / "alike").write_bytes(b"the same again and again" * 50_000)
    outcome = await work.run(_body(source, compression=compression))
    assert outcome.backup is not None
    assert (outcome.backup.bytes_added_packed < outcome.backup.bytes_added / 2) is packed


async def _next_backup(work: Work, body: BackupRun) -> BackupResult:
    """As by the next run, which has an id of its own."""
    work.id = command_id(uuid4(), "step", UUID(int=2))
    outcome = await work.run(body)
    assert outcome.backup is not None
    return outcome.backup


async def test_includes_that_match_nothing_are_told(work: Work, source: Path) -> None:
    outcome = await work.run(_body(source, includes=["*.docx"]))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.NOTHING_SELECTED


async def test_a_missing_source_beside_others_is_a_warning(work: Work, source: Path) -> None:
    outcome = await work.run(_body(source, source / "gone"))
    assert outcome.result is CommandResult.COMPLETED_WITH_WARNINGS
    assert outcome.backup is not None
    assert [(w.path.text, w.code) for w in work.warnings()] == [(str(source / "gone"), "vanished")]


async def test_missing_sources_alone_fail_and_write_nothing(work: Work, source: Path) -> None:
    outcome = await work.run(_body(source / "gone", source / "one" / "below-a-file"))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.SOURCE_MISSING
    assert not outcome.problem.retryable
    assert len(outcome.problem.paths) == 2
    assert await snapshots.run(work.runner, work.repository) == []


@pytest.mark.parametrize("bad", ["relative/path", "/nul\0byte"])
async def test_a_source_that_is_no_path_is_refused(work: Work, bad: str) -> None:
    outcome = await work.run(_body(bad))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.COMMAND_INVALID


@pytest.mark.parametrize("mask", ["[", "a/[b"])
async def test_a_mask_that_restic_would_refuse_is_told(work: Work, source: Path, mask: str) -> None:
    outcome = await work.run(_body(source, excludes=[mask]))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.COMMAND_INVALID
    assert mask in outcome.problem.message


async def test_unreadable_files_are_told_one_by_one_with_their_true_names(work: Work, source: Path) -> None:
    # root may read every file but this one, which no process may read without being its tracer.
    unreadable = Path("/proc/1/mem") if os.geteuid() == 0 else source / "secret"
    if os.geteuid() != 0:
        unreadable.write_text("x")
        unreadable.chmod(0)
    outcome = await work.run(_body(source, unreadable))
    assert outcome.result is CommandResult.COMPLETED_WITH_WARNINGS
    assert outcome.restic_exit_code == 3
    assert outcome.backup is not None
    assert outcome.backup.snapshot_id is not None
    warnings = work.warnings()
    assert [(w.path.text, w.code) for w in warnings] == [(str(unreadable), "unreadable")]
    assert warnings[0].message != ""


async def test_a_second_attempt_adopts_the_snapshot_with_its_numbers(work: Work, source: Path) -> None:
    first = await work.run(_body(source))
    second = await work.run(_body(source), attempt=2)
    assert first.backup is not None
    assert second.backup is not None
    assert second.result is CommandResult.SUCCEEDED
    assert second.backup.snapshot_id == first.backup.snapshot_id
    assert second.backup.files_new == 3
    assert len(await snapshots.run(work.runner, work.repository)) == 1


async def test_an_adopted_snapshot_keeps_its_warnings_in_mind(work: Work, source: Path) -> None:
    await work.run(_body(source, source / "gone"))
    second = await work.run(_body(source, source / "gone"), attempt=2)
    assert second.result is CommandResult.COMPLETED_WITH_WARNINGS


async def test_a_snapshot_of_other_sources_is_not_adopted(work: Work, source: Path) -> None:
    await work.run(_body(source))
    await work.run(_body(source / "one"), attempt=2)
    assert len(await snapshots.run(work.runner, work.repository)) == 2


async def test_an_interrupted_backup_without_a_snapshot_is_told_as_a_restart(
    work: Work, source: Path
) -> None:
    outcome = await work.run(_body(source), interrupted=True)
    assert outcome.problem is not None
    assert (outcome.problem.code, outcome.problem.retryable) == (ErrorCode.AGENT_RESTARTED, True)
    assert await snapshots.run(work.runner, work.repository) == []


async def test_an_interrupted_backup_with_a_snapshot_is_finished(work: Work, source: Path) -> None:
    await work.run(_body(source))
    outcome = await work.run(_body(source / "was-there-then"), interrupted=True)
    assert outcome.problem is not None  # other sources: not that one
    again = await work.run(_body(source), interrupted=True)
    assert again.result is CommandResult.SUCCEEDED


async def test_a_stopped_backup_leaves_no_lock(work: Work, source: Path) -> None:
    for number in range(50):
        (source / f"big{number}").write_bytes(os.urandom(1_000_000))
    slow = replace(work.repository, limit_upload_kib=1000, extra=("--limit-download=1",))
    work.repository = slow
    job = work.job(_body(source))
    task = asyncio.create_task(work.run_job(job))
    locks = Path(work.repository.location) / "locks"
    async with asyncio.timeout(30):
        while not any(locks.iterdir()):  # noqa: ASYNC110 - restic writes it, not we
            await asyncio.sleep(0.02)
    job.stop.request("cancelled")
    with pytest.raises(StoppedError):
        await task
    assert list(locks.iterdir()) == []


async def test_a_wrong_password_is_told(work: Work, source: Path) -> None:
    work.repository = replace(work.repository, password=SecretStr("not it"))
    outcome = await work.run(_body(source))
    assert outcome.problem is not None
    assert (outcome.problem.code, outcome.problem.retryable) == (ErrorCode.WRONG_PASSWORD, False)
    assert outcome.restic_exit_code == 12
    assert "not it" not in outcome.problem.message


async def test_a_missing_repository_is_told(work: Work, source: Path) -> None:
    work.repository = replace(work.repository, location=str(work.folder / "nowhere"))
    outcome = await work.run(_body(source))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.REPOSITORY_MISSING


async def test_a_server_that_does_not_answer_is_told_apart_from_other_failures(
    work: Work, source: Path
) -> None:
    work.repository = replace(work.repository, extra=("--pack-size=999",))  # restic ends with 1 for it
    body = _body(source)
    plain = await work.run(body)
    work.unreachable_reason = "refuses connections"
    unreachable = await work.run(body, attempt=2)
    assert plain.problem is not None
    assert unreachable.problem is not None
    assert (plain.problem.code, plain.restic_exit_code) == (ErrorCode.RESTIC_FAILED, 1)
    assert unreachable.problem.code is ErrorCode.REPOSITORY_UNREACHABLE


async def test_a_command_of_a_newer_protocol_says_update(work: Work, source: Path) -> None:
    job = work.job(_body(source))
    newer = replace(job, command=job.command.model_copy(update={"protocol": 99}))
    outcome = await work.run_job(newer)
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.COMMAND_INVALID
    assert "update the agent" in outcome.problem.message
