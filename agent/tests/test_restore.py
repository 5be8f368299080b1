"""`restore.run` with real restic: every policy, and everything that is refused before a byte is written."""

import os
import re
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from sbs_agent.commands.keep_both import with_suffix
from sbs_agent.testing.work import Work
from sbs_protocol.commands import ConflictPolicy, RestoreRun
from sbs_protocol.events import CommandResult, ErrorCode
from sbs_protocol.identifiers import command_id
from sbs_protocol.paths import WirePath
from sbs_restic.cli.commands import backup

ODD = b"odd \xff\xfe name $HOME [x] *"


@pytest.fixture
async def snapshot(work: Work, tmp_path: Path) -> str:
    """A small tree with names of all kinds."""
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    (source / "a.txt").write_text("first")
    (source / "folder" / "b.txt").write_text("second")
    (source / os.fsdecode(ODD)).write_text("third")
    (source / "link").symlink_to("a.txt")
    with (source / "sparse").open("wb") as sparse:
        sparse.truncate(8_000_000)
    request = backup.BackupRequest(sources=(str(source),), host="machine")
    return (await backup.run(work.runner, work.repository, request)).summary.snapshot_id


def _body(
    snapshot: str, target: Path | str, policy: ConflictPolicy, *selection: bytes, verify: bool = True
) -> RestoreRun:
    return RestoreRun(
        restic_repository_id=uuid4(),
        restic_snapshot_id=snapshot,
        selection=[WirePath.from_bytes(path) for path in selection],
        target_folder=str(target),
        policy=policy,
        verify=verify,
    )


def _below(target: Path, tmp_path: Path) -> Path:
    """Where the source's files are in the target."""
    return Path(f"{target}{tmp_path}/source")


def _tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


async def test_everything_comes_back_as_it_was(work: Work, snapshot: str, tmp_path: Path) -> None:
    target = tmp_path / "new" / "target"
    outcome = await work.run(_body(snapshot, target, ConflictPolicy.REFUSE))
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    restored = _below(target, tmp_path)
    assert _tree(restored) == _tree(tmp_path / "source")
    assert (restored / os.fsdecode(ODD)).read_text() == "third"
    assert (restored / "link").readlink() == Path("a.txt")
    assert (restored / "sparse").stat().st_blocks == 0
    assert outcome.restore is not None
    assert outcome.restore.files_restored == 5
    assert outcome.restore.files_verified == 4  # the symlink has no content to read back
    assert outcome.restore.files_failed == 0
    assert outcome.restore.bytes_restored == 8_000_000 + len("firstsecondthird") + 0


async def test_without_verification_nothing_counts_as_verified(
    work: Work, snapshot: str, tmp_path: Path
) -> None:
    outcome = await work.run(_body(snapshot, tmp_path / "target", ConflictPolicy.REFUSE, verify=False))
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    assert outcome.restore is not None
    assert (outcome.restore.files_restored, outcome.restore.files_verified) == (5, None)


async def test_a_selection_brings_only_what_was_chosen(work: Work, snapshot: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    chosen = [os.fsencode(tmp_path / "source") + b"/" + ODD, os.fsencode(tmp_path / "source" / "folder")]
    outcome = await work.run(_body(snapshot, target, ConflictPolicy.REFUSE, *chosen))
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    assert _tree(_below(target, tmp_path)) == {os.fsdecode(ODD), "folder", "folder/b.txt"}


async def test_refuse_writes_nothing_when_a_single_file_is_in_the_way(
    work: Work, snapshot: str, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    there = _below(target, tmp_path)
    there.mkdir(parents=True)
    (there / "a.txt").write_text("mine")
    outcome = await work.run(_body(snapshot, target, ConflictPolicy.REFUSE))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.TARGET_EXISTS
    assert [path.text for path in outcome.problem.paths] == [str(there / "a.txt")]
    assert _tree(there) == {"a.txt"}
    assert (there / "a.txt").read_text() == "mine"


async def test_refuse_sees_a_name_that_is_not_utf8(work: Work, snapshot: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    there = _below(target, tmp_path)
    there.mkdir(parents=True)
    (there / os.fsdecode(ODD)).write_text("mine")
    outcome = await work.run(_body(snapshot, target, ConflictPolicy.REFUSE))
    assert outcome.problem is not None
    assert [path.to_bytes() for path in outcome.problem.paths] == [os.fsencode(there) + b"/" + ODD]


async def test_a_file_in_the_way_of_a_folder_is_a_conflict(work: Work, snapshot: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    there = _below(target, tmp_path)
    there.mkdir(parents=True)
    (there / "folder").write_text("a file where the snapshot has a folder")
    outcome = await work.run(_body(snapshot, target, ConflictPolicy.REFUSE))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.TARGET_EXISTS


async def test_skip_never_touches_what_is_there(work: Work, snapshot: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    there = _below(target, tmp_path)
    there.mkdir(parents=True)
    (there / "a.txt").write_text("mine")
    outcome = await work.run(_body(snapshot, target, ConflictPolicy.SKIP))
    assert outcome.result is CommandResult.SUCCEEDED
    assert (there / "a.txt").read_text() == "mine"
    assert (there / "folder" / "b.txt").read_text() == "second"
    assert outcome.restore is not None
    assert (outcome.restore.files_skipped, outcome.restore.files_restored) == (1, 4)


async def test_overwrite_replaces_what_is_there(work: Work, snapshot: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    there = _below(target, tmp_path)
    there.mkdir(parents=True)
    (there / "a.txt").write_text("mine")
    (there / "stays").write_text("not in the snapshot")
    outcome = await work.run(_body(snapshot, target, ConflictPolicy.OVERWRITE))
    assert outcome.result is CommandResult.SUCCEEDED
    assert (there / "a.txt").read_text() == "first"
    assert (there / "stays").exists()


async def test_keep_both_gives_the_restored_one_a_suffix(work: Work, snapshot: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    there = _below(target, tmp_path)
    (there / "folder").mkdir(parents=True)
    (there / "a.txt").write_text("mine")
    (there / "folder" / "b.txt").write_text("mine too")
    outcome = await work.run(_body(snapshot, target, ConflictPolicy.KEEP_BOTH))
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    assert (there / "a.txt").read_text() == "mine"
    assert (there / "folder" / "b.txt").read_text() == "mine too"
    assert outcome.restore is not None
    renamed = sorted(path.text for path in outcome.restore.renamed)
    assert len(renamed) == 2
    assert re.fullmatch(r".*/a \(restored \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d\)\.txt", renamed[0])
    assert Path(renamed[0]).read_text() == "first"
    assert Path(renamed[1]).read_text() == "second"
    assert (there / os.fsdecode(ODD)).read_text() == "third"
    assert [path.name for path in target.iterdir() if path.name.startswith(".sbs")] == []


async def test_keep_both_twice_keeps_all_three(work: Work, snapshot: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    for number in (1, 2, 3):
        work.id = command_id(UUID(int=number), "step", UUID(int=2))
        await work.run(_body(snapshot, target, ConflictPolicy.KEEP_BOTH))
    names = [path.name for path in _below(target, tmp_path).iterdir() if path.name.startswith("a")]
    assert len(names) == 3


@pytest.mark.parametrize("folder", ["relative", "/", "/tmp/../etc", "/proc/sys", "/dev/shm/x", "//", "/a\0b"])
async def test_a_target_that_is_no_plain_folder_is_refused(work: Work, folder: str) -> None:
    outcome = await work.run(_body("0" * 64, folder, ConflictPolicy.OVERWRITE))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.TARGET_NOT_ALLOWED


async def test_the_agents_own_state_is_no_target_also_through_a_link(work: Work, tmp_path: Path) -> None:
    (tmp_path / "agent-state").mkdir()
    (tmp_path / "innocent").symlink_to(tmp_path / "agent-state")
    outcome = await work.run(_body("0" * 64, tmp_path / "innocent" / "x", ConflictPolicy.OVERWRITE))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.TARGET_NOT_ALLOWED


async def test_a_target_below_a_file_is_refused(work: Work, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    outcome = await work.run(_body("0" * 64, tmp_path / "file" / "x", ConflictPolicy.REFUSE))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.TARGET_NOT_WRITABLE


@pytest.mark.parametrize("policy", list(ConflictPolicy))
async def test_a_link_where_the_snapshot_has_a_folder_is_never_followed(
    work: Work, snapshot: str, tmp_path: Path, policy: ConflictPolicy
) -> None:
    target, elsewhere = tmp_path / "target", tmp_path / "elsewhere"
    there = _below(target, tmp_path)
    there.mkdir(parents=True)
    elsewhere.mkdir()
    (there / "folder").symlink_to(elsewhere)
    outcome = await work.run(_body(snapshot, target, policy))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.TARGET_NOT_ALLOWED
    assert list(elsewhere.iterdir()) == []
    assert _tree(there) == {"folder"}


@pytest.mark.parametrize("path", [b"relative", b"/a/../b", b"/a//b", b"/a/"])
async def test_a_selected_path_with_tricks_is_refused(
    work: Work, snapshot: str, tmp_path: Path, path: bytes
) -> None:
    outcome = await work.run(_body(snapshot, tmp_path / "target", ConflictPolicy.REFUSE, path))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.COMMAND_INVALID
    assert not (tmp_path / "target").exists()


async def test_a_selection_of_which_nothing_is_there_is_told(
    work: Work, snapshot: str, tmp_path: Path
) -> None:
    outcome = await work.run(_body(snapshot, tmp_path / "target", ConflictPolicy.REFUSE, b"/no/such"))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.NOTHING_SELECTED
    assert not (tmp_path / "target").exists()


async def test_a_selected_path_that_is_not_there_beside_others_is_a_warning(
    work: Work, snapshot: str, tmp_path: Path
) -> None:
    there = os.fsencode(tmp_path / "source" / "a.txt")
    outcome = await work.run(_body(snapshot, tmp_path / "target", ConflictPolicy.REFUSE, there, b"/no/such"))
    assert outcome.result is CommandResult.COMPLETED_WITH_WARNINGS
    assert [w.path.text for w in work.warnings()] == ["/no/such"]


@pytest.mark.usefixtures("snapshot")
async def test_a_snapshot_that_is_not_there_is_told(work: Work, tmp_path: Path) -> None:
    outcome = await work.run(_body("ab" * 32, tmp_path / "target", ConflictPolicy.REFUSE))
    assert outcome.problem is not None
    assert (outcome.problem.code, outcome.problem.retryable) == (ErrorCode.SNAPSHOT_MISSING, False)


@pytest.mark.parametrize("name", ["latest", "--all", "", "ABCDEF0123456789"])
async def test_a_snapshot_is_named_by_its_id_only(work: Work, tmp_path: Path, name: str) -> None:
    outcome = await work.run(_body(name, tmp_path / "target", ConflictPolicy.REFUSE))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.COMMAND_INVALID


async def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    work: Work, snapshot: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The only stand-in here: a full disk needs a file system of its own, which needs root.
    monkeypatch.setattr("sbs_agent.commands.target.Target.free_bytes", 1000)
    outcome = await work.run(_body(snapshot, tmp_path / "target", ConflictPolicy.REFUSE))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.NO_SPACE
    assert not (tmp_path / "target").exists()


async def test_damaged_data_is_told_file_by_file(work: Work, tmp_path: Path) -> None:
    (tmp_path / "damaged").write_bytes(os.urandom(100_000))
    request = backup.BackupRequest(sources=(str(tmp_path / "damaged"),), host="machine")
    snapshot = (await backup.run(work.runner, work.repository, request)).summary.snapshot_id
    packs = [path for path in (Path(work.repository.location) / "data").rglob("*") if path.is_file()]
    pack = max(packs, key=lambda path: path.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[100] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(data)
    outcome = await work.run(_body(snapshot, tmp_path / "target", ConflictPolicy.REFUSE))
    assert outcome.result is CommandResult.FAILED
    assert outcome.problem is not None
    assert [Path(w.path.text).name for w in work.warnings()] == ["damaged"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", "a S.txt"),
        (".bashrc", ".bashrc S"),
        ("archive.tar.gz", "archive.tar S.gz"),
        ("noext", "noext S"),
    ],
)
def test_the_suffix_goes_before_the_extension(name: str, expected: str) -> None:
    assert with_suffix(name, " S") == expected


def test_a_long_name_gives_way_to_the_suffix() -> None:
    name = with_suffix("ё" * 125 + ".txt", " (restored 2026-11-22 21.30.05)")
    assert len(os.fsencode(name)) <= 255
    assert name.endswith(" (restored 2026-11-22 21.30.05).txt")
