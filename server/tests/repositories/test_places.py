"""Looking at folders on a real file system."""

import asyncio
import os
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from sbs_server.kit.errors import InvalidError
from sbs_server.repositories import trials
from sbs_server.repositories.markers import MARKER, UNREADABLE, Marker, read_marker
from sbs_server.repositories.places import Places
from sbs_server.repositories.trials import Step

OURS = Marker(uuid4(), uuid4())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "storage"
    folder.mkdir()
    return folder


@pytest_asyncio.fixture
async def places(root: Path) -> AsyncIterator[Places]:
    made = Places([root])
    yield made
    made.close()


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system in memory, there for the length of the block."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def fill(path: Path) -> None:
    """Writes until the disk is full."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


async def refused(places: Places, path: Path) -> str:
    """The code with which a folder is refused, by the test and by the taking."""
    place = places.locate(str(path))
    trial = await places.try_out(place)
    with pytest.raises(InvalidError) as caught:
        await places.take(place, OURS)
    assert trial.problem is not None
    assert caught.value.fields[0] == trial.problem
    assert trial.problem.pointer == "/path"
    return trial.problem.code


async def test_new_folder_is_made_and_marked(places: Places, root: Path) -> None:
    space = await places.take(places.locate(f"{root}/a/b"), OURS)
    assert read_marker(root / "a" / "b") == OURS
    assert [entry.name for entry in (root / "a" / "b").iterdir()] == [MARKER]
    assert 0 < space.free_bytes <= space.total_bytes


async def test_empty_folder_is_taken(places: Places, root: Path) -> None:
    (root / "there" / "lost+found").mkdir(parents=True)
    await places.take(places.locate(f"{root}/there"), OURS)
    assert read_marker(root / "there") == OURS


async def test_trial_does_every_step_and_leaves_nothing_behind(places: Places, root: Path) -> None:
    trial = await places.try_out(places.locate(f"{root}/a/b"))
    assert trial.done == list(Step)
    assert trial.space is not None
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    "step", ["holds_other", "holds_restic", "not_folder", "link", "link_above", "nested", "around"]
)
async def test_refusals(places: Places, root: Path, step: str) -> None:
    target = root / "target"
    if step == "holds_other":
        target.mkdir()
        (target / "letter.txt").write_text("mine")
    elif step == "holds_restic":
        for name in ("config", "keys", "snapshots"):
            (target / name).mkdir(parents=True)
    elif step == "not_folder":
        target.write_text("a file")
    elif step == "link":
        target.symlink_to("/etc")
    elif step == "link_above":
        (root / "shortcut").symlink_to("/tmp")
        target = root / "shortcut" / "target"
    elif step == "nested":
        await places.take(places.locate(f"{root}/upper"), OURS)
        target = root / "upper" / "target"
    else:
        await places.take(places.locate(f"{root}/target/inner"), OURS)
    before = sorted(root.rglob("*"))
    assert await refused(places, target) == f"repository.path_{step.removesuffix('_above')}"
    assert sorted(root.rglob("*")) == before


async def test_root_that_is_not_mounted_is_missing(places: Places, root: Path) -> None:
    place = places.locate(f"{root}/x")
    root.rmdir()
    trial = await places.try_out(place)
    assert trial.failed is Step.REACH
    assert trial.problem is not None
    assert trial.problem.code == "repository.path_missing"
    assert not root.exists()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
async def test_read_only_file_system_has_its_own_code(places: Places, root: Path) -> None:
    with mounted(root, "ro,size=1m"):
        assert await refused(places, root / "x") == "repository.path_read_only"


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
async def test_full_disk_has_its_own_code_and_no_probe_is_left(places: Places, root: Path) -> None:
    with mounted(root, "size=64k"):
        (root / "x").mkdir()
        fill(root / "ballast")
        assert await refused(places, root / "x") == "repository.path_full"
        assert list((root / "x").iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_folder_of_somebody_else_has_its_own_code(places: Places, root: Path) -> None:
    (root / "x").mkdir(mode=0o500)
    assert await refused(places, root / "x") == "repository.path_not_writable"


async def test_storage_that_hangs_is_given_up(root: Path) -> None:
    places, release = Places([root], deadline_s=0.05), threading.Event()
    try:
        with pytest.raises(InvalidError) as caught:
            await places._in_thread(release.wait)
        assert caught.value.fields[0].code == "repository.path_slow"
    finally:
        release.set()
        places.close()


async def test_folder_that_never_answers_holds_one_thread_however_often_it_is_looked_at(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places, release = Places([root], deadline_s=2), threading.Event()
    other = root / "other"
    await places.take(places.locate(str(other)), OURS)
    real = trials.is_folder
    monkeypatch.setattr(
        trials, "is_folder", lambda path: (path == root / "dead" and not release.wait()) or real(path)
    )
    try:
        for _ in range(6):  # there are four threads
            with pytest.raises(InvalidError) as caught:
                await places.space(f"{root}/dead", OURS)
            assert caught.value.fields[0].code == "repository.path_slow"
        assert (await places.space(str(other), OURS)).total_bytes > 0
        release.set()
        async with asyncio.timeout(30):
            while caught.value.fields[0].code == "repository.path_slow":
                with pytest.raises(InvalidError) as caught:
                    await places.space(f"{root}/dead", OURS)
                await asyncio.sleep(0)
        assert caught.value.fields[0].code == "repository.path_missing"
    finally:
        release.set()
        places.close()


async def test_space_is_told_only_of_the_marked_folder(places: Places, root: Path) -> None:
    place = places.locate(f"{root}/x")
    await places.take(place, OURS)
    assert (await places.space(str(place.path), OURS)).total_bytes > 0
    for change, code in (((place.path / MARKER).unlink, "foreign"), (place.path.rmdir, "missing")):
        change()
        with pytest.raises(InvalidError) as caught:
            await places.space(str(place.path), OURS)
        assert caught.value.fields[0].code == f"repository.path_{code}"


async def test_unreadable_mark_is_somebody_elses(places: Places, root: Path) -> None:
    (root / "x").mkdir()
    (root / "x" / MARKER).write_text("[]")
    assert await places.holder(places.locate(f"{root}/x")) == UNREADABLE
