"""The owner of a target swaps folders for links while the agent works in it: nothing gets out of the target.

Each swap is made at the very moment between the agent's look and its act, by a hook around the call that looks.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from sbs_agent.commands.restore_leftovers import discard
from sbs_agent.commands.restore_marker import Marker, save_marker
from sbs_agent.commands.restore_move import look_ahead, move_into_place
from sbs_agent.commands.restore_staging import Staging
from sbs_agent.platform import platform
from sbs_agent.platform.posix_folder import PosixFolder
from sbs_agent.testing.work import Work
from sbs_protocol.commands import ConflictPolicy, RestoreRun
from sbs_protocol.events import CommandResult, ErrorCode
from sbs_protocol.paths import WirePath
from sbs_restic.cli.commands import backup


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """What the owner of the target would like to have written to."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def _swap(folder: Path, elsewhere: Path) -> None:
    """What the owner of the folder above can do at any time."""
    folder.rename(folder.with_name("away"))
    folder.symlink_to(elsewhere)


def _after(
    patch: pytest.MonkeyPatch, call: str, name: str, act: Callable[[], object], *, of: str = "target"
) -> list[str]:
    """Act once, right after the call of a folder with this name (below `of`). Gives what was done."""
    real = getattr(PosixFolder, call)
    done: list[str] = []

    def hooked(folder: PosixFolder, asked: str, *more: Any) -> Any:
        answer = real(folder, asked, *more)
        if asked == name and of in folder.path.parts and ".sbs" not in str(folder.path) and not done:
            done.append(call)
            act()
        return answer

    patch.setattr(PosixFolder, call, hooked)
    return done


@pytest.fixture
def staging(tmp_path: Path) -> Any:
    made = Staging(tmp_path / "target", "command")
    (made.target / "folder" / "deep").mkdir(parents=True)
    made.create()
    (made.files / "folder" / "deep").mkdir(parents=True)
    (made.files / "folder" / "deep" / "file").write_text("restored")
    (made.files / "folder" / "other").write_text("restored")
    yield made
    made.close()


@pytest.mark.parametrize("suffix", [None, " (restored)"])
@pytest.mark.parametrize("folder", ["folder", "folder/deep"])
@pytest.mark.parametrize("call", ["status", "enter"])
def test_a_folder_swapped_for_a_link_between_look_and_act_leads_nowhere(
    staging: Staging,
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str | None,
    folder: str,
    call: str,
) -> None:
    place = staging.target / folder
    done = _after(monkeypatch, call, place.name, lambda: _swap(place, elsewhere))
    moved = move_into_place(staging, suffix, lambda: None)
    assert done == [call]
    assert list(elsewhere.iterdir()) == []
    assert place.is_symlink()
    if call == "enter":  # it stays the owner's folder, wherever he has put it
        assert (moved.left, moved.renamed) == (0, [])
        within = "file" if folder == "folder/deep" else "deep/file"
        assert (place.with_name("away") / within).read_text() == "restored"


def test_a_file_made_between_look_and_rename_stays(staging: Staging, monkeypatch: pytest.MonkeyPatch) -> None:
    late = staging.target / "folder" / "other"
    done = _after(monkeypatch, "status", "other", lambda: late.write_text("mine"))
    moved = move_into_place(staging, None, lambda: None)
    assert done == ["status"]
    assert late.read_text() == "mine"
    assert [path.text for path in moved.in_the_way] == [str(late)]


def test_a_link_made_between_look_and_rename_is_no_way_out(
    staging: Staging, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = staging.target / "folder" / "other"
    done = _after(monkeypatch, "status", "other", lambda: late.symlink_to(elsewhere / "x"))
    move_into_place(staging, None, lambda: None)
    assert done == ["status"]
    assert late.is_symlink()
    assert list(elsewhere.iterdir()) == []


@pytest.fixture
async def snapshot(work: Work, tmp_path: Path) -> str:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_text("first")
    (source / "b").write_text("second")
    request = backup.BackupRequest(sources=(str(source),), host="machine")
    return (await backup.run(work.runner, work.repository, request)).summary.snapshot_id


def _body(snapshot: str, target: Path, policy: ConflictPolicy) -> RestoreRun:
    return RestoreRun(
        restic_repository_id=uuid4(), restic_snapshot_id=snapshot, target_folder=str(target), policy=policy
    )


def _before_restic(work: Work, patch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Act when all is ready for restic to write."""
    real = work.runner.run

    async def runs(invocation: Any, **options: Any) -> Any:
        if invocation.name == "restore":
            act()
        return await real(invocation, **options)

    patch.setattr(work.runner, "run", runs)


@pytest.mark.parametrize("policy", [ConflictPolicy.REFUSE, ConflictPolicy.SKIP, ConflictPolicy.KEEP_BOTH])
@pytest.mark.parametrize("what", ["staging", "target"])
async def test_restic_writes_to_the_folder_that_was_opened_whatever_its_name_leads_to(
    work: Work,
    snapshot: str,
    tmp_path: Path,
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    policy: ConflictPolicy,
    what: str,
) -> None:
    target = tmp_path / "target"
    folder = Staging(target, work.id).folder if what == "staging" else target
    _before_restic(work, monkeypatch, lambda: _swap(folder, elsewhere))
    outcome = await work.run(_body(snapshot, target, policy))
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    assert list(elsewhere.rglob("*")) == []
    real = target if what == "staging" else tmp_path / "away"
    there = Path(f"{real}{tmp_path}/source")
    assert {path.name: path.read_text() for path in there.iterdir()} == {"a": "first", "b": "second"}
    left = [path for path in real.glob("*/files/**/*") if path.is_file()]
    assert left == []


async def test_a_link_that_comes_above_the_target_refuses_the_restore(
    work: Work, snapshot: str, tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the target and the moment in which it is opened."""
    above = tmp_path / "above"
    (above / "target").mkdir(parents=True)
    (elsewhere / "target").mkdir()
    real = Staging.create

    def late(staging: Staging) -> None:
        _swap(above, elsewhere)
        real(staging)

    monkeypatch.setattr(Staging, "create", late)
    outcome = await work.run(_body(snapshot, above / "target", ConflictPolicy.REFUSE))
    assert outcome.problem is not None
    assert outcome.problem.code is ErrorCode.TARGET_NOT_WRITABLE
    assert list((elsewhere / "target").iterdir()) == []


async def test_leftovers_are_not_removed_through_a_link(work: Work, tmp_path: Path, elsewhere: Path) -> None:
    target = tmp_path / "target"
    staging = Staging(target, work.id)
    staging.create()
    staging.close()
    folder = WirePath.from_fs(os.fspath(staging.folder))
    save_marker(work.journal, work.id, Marker(phase="writing", staging=folder, suffix=""))
    (elsewhere / staging.folder.name / "files").mkdir(parents=True)
    (elsewhere / staging.folder.name / "files" / "precious").write_text("x")
    _swap(target, elsewhere)
    await discard(work.journal, work.id)
    assert (elsewhere / staging.folder.name / "files" / "precious").exists()


@pytest.mark.parametrize("act", [Staging.create, Staging.remove])
def test_a_folder_of_ours_that_somebody_gave_the_name_of_a_staging_folder_keeps_its_content(
    tmp_path: Path, act: Callable[[Staging], None]
) -> None:
    """It may be root's, in a folder of the target's owner, who may rename it."""
    staging = Staging(tmp_path / "target", "command")
    (staging.folder / "data").mkdir(parents=True)
    with pytest.raises(FileExistsError, match="no restore's"):
        act(staging)
    staging.close()
    assert (staging.folder / "data").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("act", [Staging.create, Staging.exists, Staging.remove])
def test_a_third_persons_folder_that_was_given_the_name_of_a_staging_folder_keeps_its_files(
    staging: Staging, act: Callable[[Staging], object]
) -> None:
    """The owner of the target may rename any folder in it, and saw the name in an earlier attempt."""
    staging.remove()
    (staging.folder / "files").mkdir(parents=True)
    (staging.folder / "files" / "precious").write_text("bob's")
    os.chown(staging.folder, 65534, 65534)
    if act is Staging.remove:
        act(staging)
    else:
        with pytest.raises(PermissionError, match="somebody else put a folder") as refused:
            act(staging)
        assert str(staging.folder) in str(refused.value)
        staging.remove()
    assert (staging.folder / "files" / "precious").read_text() == "bob's"


def test_folders_that_are_nested_more_deeply_than_calls_may_be_are_moved(staging: Staging) -> None:
    below = Path(*["d"] * 400)
    (staging.files / below).mkdir(parents=True)
    (staging.files / below / "file").write_text("deep")
    (staging.target / below).mkdir(parents=True)
    assert look_ahead(staging, lambda: None).left == 0
    assert move_into_place(staging, None, lambda: None).failed == 0
    assert (staging.target / below / "file").read_text() == "deep"


def test_a_folder_is_opened_only_by_a_path_without_links(tmp_path: Path, elsewhere: Path) -> None:
    (elsewhere / "below").mkdir()
    (tmp_path / "link").symlink_to(elsewhere)
    with pytest.raises(NotADirectoryError):
        platform.open_folder(tmp_path / "link" / "below")
    with platform.open_folder(elsewhere / "below") as held:
        (held.pinned / "made").write_text("x")
    assert (elsewhere / "below" / "made").exists()
