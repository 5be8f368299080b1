"""The sample tree and its next state: the same for the same seed, and with all in it that is promised."""

import os
from collections import Counter
from pathlib import Path

import pytest

from demo import names
from demo.change import change_tree
from demo.entries import Entry
from demo.errors import TreeError
from demo.manifest import read_manifest, write_manifest
from demo.paths import readable
from demo.tests.samples import Owner
from demo.tree import Plan, make_tree, remove_tree

MIB = 1 << 20


def made(place: Path, owner: Owner, seed: int = 1, name: str = "tree") -> tuple[Plan, dict[bytes, Entry]]:
    plan = make_tree(place / name, seed, owner.uid, owner.gid)
    return plan, listed(place, owner, name)


def listed(place: Path, owner: Owner, name: str = "tree") -> dict[bytes, Entry]:
    write_manifest(place / name, place / f"{name}.manifest", owner.reader)
    return {entry.path: entry for entry in read_manifest(place / f"{name}.manifest")}


def test_the_tree_has_what_it_promises(place: Path, owner: Owner) -> None:
    plan, entries = made(place, owner)
    kinds = Counter(entry.kind for entry in entries.values())
    assert 2_500 < plan.files < 3_500
    assert 350 < plan.folders < 550
    assert 60 * MIB < plan.size_bytes < 120 * MIB
    assert kinds["file"] == plan.files - 2  # two are inside the locked folder
    assert kinds["folder"] == plan.folders
    assert kinds["fifo"] == 2
    assert kinds["symlink"] == 10
    assert entries[b"large/noise 32 MiB.bin"].size == 32 * MIB
    assert entries[b"large/mixed 48 MiB.bin"].size == 48 * MIB
    assert max(path.count(b"/") for path in entries) >= 30
    assert sum(bool(entry.holes) for entry in entries.values()) == 3
    assert {len(entries[b"names/files/" + name].path) - 12 for name in names.LONGEST} == {255}
    assert len({entry.link for entry in entries.values() if entry.link}) == 8
    assert all((entry.uid, entry.gid) == (owner.uid, owner.gid) for entry in entries.values())


def test_the_planted_unreadable_ones_are_the_unreadable_ones(place: Path, owner: Owner) -> None:
    plan, entries = made(place, owner)
    assert plan.unreadable == tuple(sorted(path for path, entry in entries.items() if not entry.readable))
    assert len(plan.unreadable) == 6
    assert len(set(map(readable, plan.unreadable))) == 6, "two would look the same in restic's messages"
    assert plan.unreadable_paths()[0] == os.fsencode(place / "tree") + b"/" + plan.unreadable[0]


def test_the_same_seed_gives_the_same_tree_and_the_same_next_states(place: Path, owner: Owner) -> None:
    trees = {name: made(place, owner, 7, name)[1] for name in ("one", "two")}
    assert trees["one"] == trees["two"]
    before = trees["one"]
    for generation in (1, 2, 3):
        changes = [change_tree(place / name, 7, generation, owner.uid, owner.gid) for name in trees]
        assert changes[0] == changes[1]
        after = listed(place, owner, "one")
        assert after == listed(place, owner, "two")
        assert after != before
        before = after


def test_another_seed_gives_another_tree(place: Path, owner: Owner) -> None:
    first, second = made(place, owner, 1, "one")[1], made(place, owner, 2, "two")[1]
    name = b"office/department 00/project 00/document 0.dat"
    assert first[name].sha256 != second[name].sha256
    assert first[name].mtime_ns != second[name].mtime_ns


def test_a_change_is_what_it_says(place: Path, owner: Owner) -> None:
    plan, before = made(place, owner)
    changes = change_tree(place / "tree", 1, 1, owner.uid, owner.gid)
    after = listed(place, owner)
    assert all(count > 0 for kind, count in changes.counts().items() if kind != "metadata")
    assert all(name not in before and name in after for name in changes.added)
    assert all(name in before and name not in after for name in changes.deleted)
    assert all(old not in after and new in after for old, new in changes.renamed)
    assert all((after[name].size or 0) > (before[name].size or 0) for name in changes.appended)
    assert all(after[name].kind != before[name].kind for name in changes.retyped)
    assert all(
        after[name] != before[name] for name in (*changes.modified, *changes.metadata, *changes.truncated)
    )
    assert all(after[name].sha256 == before[name].sha256 for name in changes.metadata)
    unreadable = sorted(path for path, entry in after.items() if not entry.readable)
    assert unreadable == sorted([*plan.unreadable, *changes.locked])


def test_some_new_content_hides_under_the_old_size_and_mtime(place: Path, owner: Owner) -> None:
    _, before = made(place, owner)
    changes = change_tree(place / "tree", 1, 1, owner.uid, owner.gid)
    after = listed(place, owner)
    hidden = [
        name
        for name in changes.modified
        if (after[name].size, after[name].mtime_ns) == (before[name].size, before[name].mtime_ns)
        and after[name].sha256 != before[name].sha256
    ]
    assert len(hidden) == 10


def test_a_change_and_its_next_turn_a_file_into_a_folder_and_back(place: Path, owner: Owner) -> None:
    _, before = made(place, owner)
    kinds = [before[b"shape/first"].kind]
    for generation in (1, 2):
        change_tree(place / "tree", 1, generation, owner.uid, owner.gid)
        kinds.append(listed(place, owner)[b"shape/first"].kind)
    assert kinds == ["file", "folder", "file"]


def test_a_folder_with_something_in_it_is_not_overwritten(place: Path) -> None:
    (place / "tree").mkdir()
    (place / "tree/mine").write_bytes(b"keep me")
    with pytest.raises(TreeError, match="is not empty"):
        make_tree(place / "tree", 1)
    assert [path.name for path in (place / "tree").iterdir()] == ["mine"]


def test_only_a_sample_tree_is_changed(place: Path) -> None:
    with pytest.raises(TreeError, match="no sample tree"):
        change_tree(place, 1)


def test_a_generation_comes_only_once(place: Path, owner: Owner) -> None:
    make_tree(place / "tree", 1, owner.uid, owner.gid)
    change_tree(place / "tree", 1, 1, owner.uid, owner.gid)
    before = listed(place, owner)
    with pytest.raises(TreeError, match="give the next number"):
        change_tree(place / "tree", 1, 1, owner.uid, owner.gid)
    assert listed(place, owner) == before


def test_half_an_owner_is_refused(place: Path) -> None:
    with pytest.raises(TreeError, match="both or neither"):
        make_tree(place / "tree", 1, uid=5)


def test_a_tree_goes_with_its_locked_folders_and_nothing_behind_its_links(place: Path, owner: Owner) -> None:
    (place / "outside").mkdir()
    (place / "outside/kept").write_bytes(b"")
    make_tree(place / "tree", 1, owner.uid, owner.gid)
    (place / "tree/out").symlink_to(place / "outside")
    remove_tree(place / "tree")
    remove_tree(place / "tree")
    assert not (place / "tree").exists()
    assert (place / "outside/kept").exists()
