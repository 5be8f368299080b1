"""Names that are not UTF-8, one by one: as sources, as what is restored, as the target, and in what is told."""

import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from sbs_agent.testing.work import Work
from sbs_protocol.commands import BackupRun, ConflictPolicy, RestoreRun, command_adapter
from sbs_protocol.events import CommandResult, ErrorCode
from sbs_protocol.paths import AnyPath, WirePath
from sbs_restic.cli.commands import names, snapshots
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository

# They look the same in what restic prints; the last one is the very character that it prints for an odd byte.
ALIKE = (b"caf\xe9", b"caf\xe8", "caf\ufffd".encode())


def _path(path: bytes) -> Path:
    return Path(os.fsdecode(path))


@pytest.fixture
def source(tmp_path: Path) -> bytes:
    """Three look-alike folders, each with three look-alike files that hold their own path."""
    folder = os.fsencode(tmp_path) + b"/source \xff"
    for name in ALIKE:
        _path(folder + b"/" + name).mkdir(parents=True)
        for file in ALIKE:
            _path(folder + b"/" + name + b"/" + file).write_bytes(name + b"/" + file)
    return folder


def _backup(*sources: bytes) -> BackupRun:
    return BackupRun(
        dataset_id=uuid4(),
        restic_repository_id=uuid4(),
        sources=[WirePath.from_bytes(source) for source in sources],
        host="machine",
    )


def _restore(snapshot: str, target: AnyPath, *chosen: bytes, policy: ConflictPolicy) -> RestoreRun:
    return RestoreRun(
        restic_repository_id=uuid4(),
        restic_snapshot_id=snapshot,
        selection=[WirePath.from_bytes(path) for path in chosen],
        target_folder=target,
        policy=policy,
    )


async def _backed_up(work: Work, *sources: bytes) -> str:
    outcome = await work.run(_backup(*sources))
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    assert outcome.backup is not None
    assert outcome.backup.snapshot_id is not None
    return outcome.backup.snapshot_id


def _files(folder: bytes) -> dict[bytes, bytes]:
    """Content by path."""
    return {os.fsencode(path): path.read_bytes() for path in _path(folder).rglob("*") if path.is_file()}


async def test_a_single_file_with_an_odd_name_is_a_source(work: Work, source: bytes) -> None:
    file = source + b"/" + ALIKE[0] + b"/" + ALIKE[1]
    snapshot = await _backed_up(work, file)
    [found] = await snapshots.run(work.runner, work.repository)
    assert found.paths == (file.decode("utf-8", "replace"),)
    target = work.folder / "target"
    body = _restore(snapshot, str(target), policy=ConflictPolicy.REFUSE)
    assert (await work.run(body)).result is CommandResult.SUCCEEDED
    assert _files(os.fsencode(target)) == {os.fsencode(target) + file: ALIKE[0] + b"/" + ALIKE[1]}


async def test_an_interrupted_backup_of_an_odd_source_finds_its_snapshot(work: Work, source: bytes) -> None:
    snapshot = await _backed_up(work, source)
    second = await work.run(_backup(source), attempt=2)
    assert second.backup is not None
    assert second.backup.snapshot_id == snapshot


async def test_a_missing_source_with_an_odd_name_is_named_by_its_bytes(work: Work, source: bytes) -> None:
    await work.run(_backup(source, source + b"/gone \xff"))
    assert [warning.path.to_bytes() for warning in work.warnings()] == [source + b"/gone \xff"]


@pytest.mark.parametrize("policy", list(ConflictPolicy))
@pytest.mark.parametrize("number", range(3))
async def test_one_of_several_look_alikes_is_restored_alone_and_counted_alone(
    work: Work, source: bytes, policy: ConflictPolicy, number: int
) -> None:
    snapshot = await _backed_up(work, source)
    chosen = source + b"/" + ALIKE[number] + b"/" + ALIKE[number - 1]
    target = os.fsencode(work.folder) + b"/target \xfe"
    outcome = await work.run(_restore(snapshot, WirePath.from_bytes(target), chosen, policy=policy))
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    assert _files(target) == {target + chosen: ALIKE[number] + b"/" + ALIKE[number - 1]}
    assert outcome.restore is not None
    assert (outcome.restore.files_restored, outcome.restore.files_verified) == (1, 1)


async def test_a_folder_of_several_look_alikes_is_restored_alone(work: Work, source: bytes) -> None:
    snapshot = await _backed_up(work, source)
    target = work.folder / "target"
    chosen = source + b"/" + ALIKE[1]
    outcome = await work.run(_restore(snapshot, str(target), chosen, policy=ConflictPolicy.REFUSE))
    assert outcome.restore is not None
    assert outcome.restore.files_restored == 3
    assert {path[len(os.fsencode(target)) :] for path in _files(os.fsencode(target))} == {
        chosen + b"/" + name for name in ALIKE
    }


async def test_a_look_alike_that_is_not_in_the_snapshot_is_told_by_its_bytes(
    work: Work, source: bytes
) -> None:
    snapshot = await _backed_up(work, source)
    gone, there = source + b"/caf\xea", source + b"/" + ALIKE[0] + b"/" + ALIKE[0]
    body = _restore(snapshot, str(work.folder / "target"), gone, there, policy=ConflictPolicy.REFUSE)
    outcome = await work.run(body)
    assert outcome.result is CommandResult.COMPLETED_WITH_WARNINGS, outcome.problem
    assert [warning.path.to_bytes() for warning in work.warnings()] == [gone]
    assert outcome.restore is not None
    assert outcome.restore.files_restored == 1


async def test_what_is_chosen_below_a_missing_folder_or_a_file_is_told_to_be_missing(
    work: Work, source: bytes
) -> None:
    snapshot = await _backed_up(work, source)
    there = source + b"/" + ALIKE[0] + b"/" + ALIKE[0]
    gone = [source + b"/no such/" + ALIKE[0], there + b"/" + ALIKE[0]]
    body = _restore(snapshot, str(work.folder / "target"), *gone, there, policy=ConflictPolicy.REFUSE)
    outcome = await work.run(body)
    assert outcome.result is CommandResult.COMPLETED_WITH_WARNINGS, outcome.problem
    assert sorted(warning.path.to_bytes() for warning in work.warnings()) == sorted(gone)


async def test_a_folder_that_restic_fails_to_read_is_not_told_to_be_missing(
    work: Work, source: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, real = await _backed_up(work, source), names.run
    chosen = source + b"/" + ALIKE[0] + b"/" + ALIKE[0]

    async def fails(
        runner: Runner, repository: Repository, snapshot: str, folder: bytes, **options: Any
    ) -> list[bytes]:
        """restic ends with the same exit code for a folder that is not there as for a torn network."""
        asked = b"/no such" if folder == source else folder
        return await real(runner, repository, snapshot, asked, **options)

    monkeypatch.setattr(names, "run", fails)
    outcome = await work.run(
        _restore(snapshot, str(work.folder / "target"), chosen, policy=ConflictPolicy.REFUSE)
    )
    assert outcome.problem is not None
    assert (outcome.problem.code, outcome.problem.retryable) == (ErrorCode.RESTIC_FAILED, True)
    assert work.warnings() == []


@pytest.mark.parametrize("policy", [ConflictPolicy.REFUSE, ConflictPolicy.SKIP, ConflictPolicy.KEEP_BOTH])
async def test_what_is_in_the_way_is_found_among_look_alikes(
    work: Work, source: bytes, policy: ConflictPolicy
) -> None:
    snapshot = await _backed_up(work, source)
    target = os.fsencode(work.folder) + b"/target"
    there = target + source + b"/" + ALIKE[0]
    for folder in (there, target + source + b"/" + ALIKE[1]):
        _path(folder).mkdir(parents=True)
    for name in ALIKE[:2]:
        _path(there + b"/" + name).write_bytes(b"mine")
    outcome = await work.run(
        _restore(snapshot, WirePath.from_bytes(target), there[len(target) :], policy=policy)
    )
    mine = {path for path, content in _files(there).items() if content == b"mine"}
    assert mine == {there + b"/" + name for name in ALIKE[:2]}
    if policy is ConflictPolicy.REFUSE:
        assert outcome.problem is not None
        assert outcome.problem.code is ErrorCode.TARGET_EXISTS
        assert {path.to_bytes() for path in outcome.problem.paths} == mine
    else:
        assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
        assert (there + b"/" + ALIKE[2]) in _files(there)


async def test_a_problem_with_an_odd_name_can_be_reported(work: Work, source: bytes) -> None:
    folder = WirePath.from_bytes(source + b"/" + ALIKE[0] + b"/" + ALIKE[0] + b"/below a file")
    outcome = await work.run(_restore("0" * 64, folder, policy=ConflictPolicy.REFUSE))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.TARGET_NOT_WRITABLE
    assert outcome.problem.model_dump_json()


def test_odd_paths_travel_in_every_place_of_a_command(work: Work) -> None:
    odd = WirePath.from_bytes(b"/\xff")
    for body in (_backup(b"/\xff"), _restore("0" * 64, odd, b"/\xff", policy=ConflictPolicy.SKIP)):
        command = work.job(body).command
        assert command_adapter.validate_json(command_adapter.dump_json(command)) == command
