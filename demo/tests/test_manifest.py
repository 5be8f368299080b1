"""A manifest says what is there, for any bytes in any name, and a damaged one is refused."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo import entries
from demo.entries import ROOT, Entry, Reader, order, walk
from demo.errors import ManifestError
from demo.manifest import from_json, read_manifest, to_json, write_manifest
from demo.paths import as_bytes, decode, encode, readable
from demo.tests.samples import Acting, Owner, Proof
from demo.tree import remove_tree

any_name = st.binary(min_size=1, max_size=255).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in {b".", b".."}
)
any_bytes = st.binary(max_size=300)
any_entry = st.builds(
    Entry,
    path=any_bytes,
    kind=st.sampled_from(["file", "folder", "symlink", "fifo", "socket", "device"]),
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 2**32 - 1),
    gid=st.integers(0, 2**32 - 1),
    mtime_ns=st.integers(-(2**62), 2**62),
    readable=st.booleans(),
    size=st.none() | st.integers(0, 2**63),
    sha256=st.none() | st.text("0123456789abcdef", min_size=64, max_size=64),
    holes=st.none() | st.booleans(),
    target=st.none() | any_bytes,
    link=st.none() | any_bytes,
    xattrs=st.dictionaries(any_bytes, any_bytes, max_size=3),
)


@given(any_bytes)
def test_any_bytes_come_back_from_their_text(path: bytes) -> None:
    assert decode(encode(path)) == path
    assert encode(path).isascii()
    assert encode(path).isprintable()


@pytest.mark.parametrize("text", ["a b", "é", "%2f", "%41", "%"])
def test_a_text_that_encode_cannot_have_made_is_refused(text: str) -> None:
    with pytest.raises(ManifestError, match="percent-encoded"):
        decode(text)


@given(any_entry)
def test_any_entry_comes_back_from_its_fields(entry: Entry) -> None:
    assert from_json(to_json(entry), "here") == entry


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(names=st.lists(any_name, min_size=1, max_size=5, unique=True))
def test_any_name_a_file_system_takes_comes_back_from_the_manifest(place: Path, names: list[bytes]) -> None:
    root = as_bytes(place / "tree")
    remove_tree(root)
    os.mkdir(root)
    for name in names:
        os.mkdir(root + b"/" + name)
        with open(root + b"/" + name + b"/" + name, "wb") as file:
            file.write(name)
    write_manifest(root, place / "manifest")
    paths = [entry.path for entry in read_manifest(place / "manifest")]
    below = [path for name in sorted(names) for path in (name, name + b"/" + name)]
    assert paths == [ROOT, *below]


@given(st.lists(any_name, max_size=4), st.lists(any_name, max_size=4))
def test_the_order_of_paths_is_that_of_their_parts(left: list[bytes], right: list[bytes]) -> None:
    keys = [order(b"/".join(parts) or ROOT) for parts in (left, right)]
    assert (keys[0] < keys[1]) == (left < right)


@given(st.binary(max_size=30))
def test_readable_text_has_one_replacement_for_each_foreign_byte(path: bytes) -> None:
    text = readable(b"a" + path + b"z")
    assert text.encode()  # no lone surrogate is left
    foreign = sum("\udc80" <= char <= "\udcff" for char in path.decode("utf-8", "surrogateescape"))
    assert text.count("\ufffd") == foreign + path.count("\ufffd".encode())


def test_nothing_that_find_finds_is_left_out(proof: Proof) -> None:
    out = subprocess.run(
        ["find", ".", "-mindepth", "1", "-print0"], cwd=proof.restored, stdout=subprocess.PIPE, check=True
    ).stdout
    expected = {path.removeprefix(b"./") for path in out.split(b"\0") if path}
    assert {entry.path for entry in walk(as_bytes(proof.restored))} == expected | {ROOT}


def test_mode_bits_say_what_the_kernel_says(proof: Proof, place: Path, owner: Owner, acting: Acting) -> None:
    """The manifest root makes for a user is the one that user would make."""
    source = as_bytes(proof.manifest.parent / "source")
    with acting(owner):
        asked = list(walk(source))
    assert list(walk(source, owner.reader)) == asked
    assert sum(not entry.readable for entry in asked) == 4


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "expected"),
    [
        (0o400, 7, 1, True),
        (0o040, 7, 8, False),  # the owner's bits count for the owner, though the group may more
        (0o004, 7, 8, False),
        (0o040, 1, 8, True),
        (0o004, 1, 8, False),
        (0o004, 1, 1, True),
        (0o440, 1, 1, False),
    ],
)
def test_who_may_read_follows_owner_group_others(mode: int, uid: int, gid: int, expected: bool) -> None:
    found = os.stat_result((0o100000 | mode, 1, 1, 1, uid, gid, 0, 0, 0, 0))
    assert Reader(7, frozenset({8})).may(found, os.R_OK) is expected
    assert Reader(0, frozenset()).may(found, os.R_OK)


def test_another_process_cannot_vouch_for_what_it_cannot_read(
    place: Path, owner: Owner, acting: Acting
) -> None:
    (place / "tree").mkdir()
    (place / "tree/private").write_bytes(b"x")
    (place / "tree/private").chmod(0o000)
    os.chown(place / "tree/private", owner.uid, owner.gid)
    with acting(owner), pytest.raises(ManifestError, match="make the manifest as root or as that user"):
        list(walk(as_bytes(place / "tree"), Reader(0, frozenset())))


def test_a_cut_manifest_is_refused(proof: Proof, place: Path) -> None:
    lines = proof.manifest.read_bytes().splitlines(keepends=True)
    for keep in (0, 1, 2, len(lines) // 2, len(lines) - 1):
        (place / "cut").write_bytes(b"".join(lines[:keep]))
        with pytest.raises(ManifestError):
            list(read_manifest(place / "cut"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(position=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_a_manifest_with_a_changed_byte_is_refused(
    proof: Proof, place: Path, position: float, change: int
) -> None:
    data = bytearray(proof.manifest.read_bytes())
    data[int(position * (len(data) - 1))] ^= change
    (place / "damaged").write_bytes(data)
    with pytest.raises(ManifestError):
        list(read_manifest(place / "damaged"))


def test_a_manifest_with_a_line_left_out_twice_or_moved_is_refused(proof: Proof, place: Path) -> None:
    lines = proof.manifest.read_bytes().splitlines(keepends=True)
    for wrong in (lines[:5] + lines[6:], lines[:5] + lines[4:], [*lines[:4], lines[5], lines[4], *lines[6:]]):
        (place / "wrong").write_bytes(b"".join(wrong))
        with pytest.raises(ManifestError):
            list(read_manifest(place / "wrong"))


def test_a_file_that_changes_while_it_is_read_is_refused(place: Path) -> None:
    path = place / "file"
    path.write_bytes(b"first")
    before = path.lstat()
    path.write_bytes(b"longer than before")
    with pytest.raises(ManifestError, match="changed while it was read"):
        entries._content(as_bytes(path), before)


def test_a_manifest_inside_of_its_tree_is_refused(place: Path) -> None:
    (place / "tree").mkdir()
    with pytest.raises(ManifestError, match="outside"):
        write_manifest(place / "tree", place / "tree/manifest")
    assert list((place / "tree").iterdir()) == []


def test_a_root_that_is_no_folder_is_refused(place: Path) -> None:
    with pytest.raises(ManifestError, match="is no folder"):
        write_manifest(place / "nowhere", place / "manifest")
