"""Each single difference between a manifest and a restore is found, named by its kind, and nothing else is."""

import os
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo import names
from demo.compare import Aspect, Difference, compare, same_paths
from demo.errors import CompareError, ManifestError
from demo.manifest import read_manifest
from demo.paths import as_bytes
from demo.tests.samples import Acting, Owner, Proof
from demo.tree import remove_tree

Found = set[tuple[bytes, Difference]]
Damage = Callable[[bytes], None]


def found(proof: Proof, leave_out: dict[Aspect, str] | None = None) -> Found:
    result = compare(proof.manifest, proof.restored, leave_out)
    return {(each.path, each.difference) for each in result.mismatches}


@contextmanager
def kept_mtime(path: bytes) -> Iterator[None]:
    """The damage is to be the only one: whatever is done to an entry, its mtime stays."""
    before = os.lstat(path).st_mtime_ns
    yield
    os.utime(path, ns=(before, before), follow_symlinks=False)


def write(path: bytes, content: bytes = b"content") -> None:
    with open(path, "wb") as file:
        file.write(content)


def flip(path: bytes, offset: int) -> None:
    with kept_mtime(path), open(path, "r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes([byte ^ 0x10]))


def shift_mtime(path: bytes, by_ns: int = 1) -> None:
    moment = os.lstat(path).st_mtime_ns + by_ns
    os.utime(path, ns=(moment, moment), follow_symlinks=False)


def replace(path: bytes, make: Callable[[bytes], None]) -> None:
    """Another entry of the same mode and mtime in place of the one at `path`."""
    old = os.lstat(path)
    with kept_mtime(os.path.dirname(path)):
        os.unlink(path)
        make(path)
    if not os.path.islink(path):
        os.chmod(path, old.st_mode & 0o7777)
    os.chown(path, old.st_uid, old.st_gid, follow_symlinks=False)
    os.utime(path, ns=(old.st_mtime_ns, old.st_mtime_ns), follow_symlinks=False)


def copy_of(path: bytes) -> Callable[[bytes], None]:
    with open(path, "rb") as file:
        content = file.read()
    return lambda new: write(new, content)


def inside(folder: bytes, act: Callable[[], object]) -> None:
    with kept_mtime(folder):
        act()


COMPOSED, DECOMPOSED = (
    b"/names/files/" + unicodedata.normalize(form, names.UNICODE[1].decode()).encode()
    for form in ("NFC", "NFD")
)

DAMAGES: dict[str, tuple[Damage, Found]] = {
    "a byte flipped": (lambda r: flip(r + b"/crowd/0007.log", 3), {(b"crowd/0007.log", Difference.CONTENT)}),
    "the last byte flipped": (
        lambda r: flip(r + b"/sparse/hole at the end.img", (2 << 20) - 1),
        {(b"sparse/hole at the end.img", Difference.CONTENT)},
    ),
    "a byte flipped under two names": (
        lambda r: flip(r + b"/hard/one/group 4", 0),
        {(b"hard/one/group 4", Difference.CONTENT), (b"hard/two/group 4 name 0", Difference.CONTENT)},
    ),
    "a file cut": (
        lambda r: inside(r + b"/crowd/0001.log", lambda: os.truncate(r + b"/crowd/0001.log", 10)),
        {(b"crowd/0001.log", Difference.SIZE)},
    ),
    "a byte in an empty file": (
        lambda r: inside(r + b"/empty/file 3", lambda: write(r + b"/empty/file 3", b"x")),
        {(b"empty/file 3", Difference.SIZE)},
    ),
    "a file deleted": (
        lambda r: inside(r + b"/crowd", lambda: os.unlink(r + b"/crowd/0002.log")),
        {(b"crowd/0002.log", Difference.MISSING)},
    ),
    "an empty folder deleted": (
        lambda r: inside(r + b"/empty", lambda: os.rmdir(r + b"/empty/folder 1")),
        {(b"empty/folder 1", Difference.MISSING)},
    ),
    "a folder deleted with all in it": (
        lambda r: inside(r + b"/empty", lambda: remove_tree(r + b"/empty/folder 5")),
        {(b"empty/folder 5", Difference.MISSING), (b"empty/folder 5/also empty", Difference.MISSING)},
    ),
    "a file added": (
        lambda r: inside(r + b"/empty", lambda: write(r + b"/empty/\xff new")),
        {(b"empty/\xff new", Difference.EXTRA)},
    ),
    "an empty folder added at the top": (
        lambda r: inside(r, lambda: os.mkdir(r + b"/zzz")),
        {(b"zzz", Difference.EXTRA)},
    ),
    "a name in another Unicode form": (
        lambda r: inside(r + b"/names/files", lambda: os.rename(r + COMPOSED, r + DECOMPOSED)),
        {(COMPOSED[1:], Difference.MISSING), (DECOMPOSED[1:], Difference.EXTRA)},
    ),
    "a mode changed": (
        lambda r: os.chmod(r + b"/modes/0444", 0o445),
        {(b"modes/0444", Difference.MODE)},
    ),
    "a folder's setgid bit lost": (
        lambda r: os.chmod(r + b"/modes/folder 2755", 0o755),
        {(b"modes/folder 2755", Difference.MODE)},
    ),
    "a pipe's mode changed": (
        lambda r: os.chmod(r + b"/fifo/pipe", 0o600),
        {(b"fifo/pipe", Difference.MODE)},
    ),
    "a file's mtime one nanosecond off": (
        lambda r: shift_mtime(r + b"/times/epoch"),
        {(b"times/epoch", Difference.MTIME)},
    ),
    "an mtime before 1970 cut to seconds": (
        lambda r: shift_mtime(r + b"/times/before 1970", 999_999_999),
        {(b"times/before 1970", Difference.MTIME)},
    ),
    "a folder's mtime off": (lambda r: shift_mtime(r + b"/names"), {(b"names", Difference.MTIME)}),
    "the root's mtime off": (shift_mtime, {(b".", Difference.MTIME)}),
    "a symlink's mtime off": (
        lambda r: shift_mtime(r + b"/links/dangling"),
        {(b"links/dangling", Difference.MTIME)},
    ),
    "a link target changed": (
        lambda r: replace(r + b"/links/not utf-8", lambda new: os.symlink(b"../names/files/\xfe", new)),
        {(b"links/not utf-8", Difference.LINK_TARGET)},
    ),
    "a symlink followed": (
        lambda r: replace(r + b"/links/relative", write),
        {(b"links/relative", Difference.TYPE)},
    ),
    "a pipe become a file": (
        lambda r: replace(r + b"/fifo/pipe", write),
        {(b"fifo/pipe", Difference.TYPE)},
    ),
    "a hard link broken": (
        lambda r: replace(r + b"/hard/two/group 4 name 0", copy_of(r + b"/hard/one/group 4")),
        {(b"hard/two/group 4 name 0", Difference.HARD_LINK)},
    ),
    "the first name of a hard link broken": (
        lambda r: replace(r + b"/hard/one/group 4", copy_of(r + b"/hard/two/group 4 name 0")),
        {(b"hard/two/group 4 name 0", Difference.HARD_LINK)},
    ),
    "two equal files become one": (
        lambda r: replace(r + b"/crowd/0105.log", lambda new: os.link(r + b"/crowd/0005.log", new)),
        {(b"crowd/0105.log", Difference.HARD_LINK), (b"crowd/0005.log", Difference.MTIME)},
    ),
    "a file that nobody could read": (
        lambda r: inside(r + b"/unreadable", lambda: write(r + b"/unreadable/locked.txt", b"")),
        {(b"unreadable/locked.txt", Difference.UNREADABLE)},
    ),
    "a folder that nobody could read": (
        lambda r: inside(r + b"/unreadable", lambda: os.mkdir(r + b"/unreadable/locked folder")),
        {(b"unreadable/locked folder", Difference.UNREADABLE)},
    ),
    "holes filled": (
        lambda r: replace(r + b"/sparse/only a hole.img", copy_of(r + b"/sparse/only a hole.img")),
        {(b"sparse/only a hole.img", Difference.HOLES)},
    ),
    "an attribute changed": (
        lambda r: os.setxattr(r + b"/attributes/file", "user.bytes", b"other"),
        {(b"attributes/file", Difference.XATTR)},
    ),
    "an empty attribute lost": (
        lambda r: os.removexattr(r + b"/attributes/folder", "user.empty"),
        {(b"attributes/folder", Difference.XATTR)},
    ),
    "an attribute too many": (
        lambda r: os.setxattr(r + b"/crowd/0000.log", "user.new", b""),
        {(b"crowd/0000.log", Difference.XATTR)},
    ),
}


def test_a_faultless_restore_has_no_mismatch(proof: Proof) -> None:
    result = compare(proof.manifest, proof.restored)
    expected = [entry for entry in read_manifest(proof.manifest) if entry.readable]
    assert result.mismatches == []
    assert result.ok
    assert result.entries_checked == len(expected)
    assert result.files_checked == sum(entry.kind == "file" for entry in expected)
    assert sorted(os.path.basename(path)[:6] for path in result.unreadable_absent) == sorted(
        [b"locked", b"locked", "Зак".encode(), "закрыт".encode("koi8-r")]
    )


@pytest.mark.parametrize("damage", DAMAGES)
def test_one_damage_is_one_mismatch_of_its_kind(proof: Proof, damage: str) -> None:
    act, expected = DAMAGES[damage]
    if any(difference is Difference.XATTR for _, difference in expected):
        _needs_attributes(proof)
    act(as_bytes(proof.restored))
    assert found(proof) == expected


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_changed_owner_is_found(proof: Proof) -> None:
    os.chown(proof.restored / "crowd/0001.log", 12_345, 12_345)
    assert found(proof) == {(b"crowd/0001.log", Difference.OWNER)}
    assert found(proof, {Aspect.OWNER: "restored by an ordinary user"}) == set()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_flipped_byte_anywhere_is_found(proof: Proof, data: st.DataObject) -> None:
    files = [each for each in read_manifest(proof.manifest) if each.sha256 is not None and each.size]
    file = data.draw(st.sampled_from(files))
    offset = data.draw(st.integers(0, (file.size or 0) - 1))
    path = as_bytes(proof.restored) + b"/" + file.path
    group = {each.path for each in files if each.path == file.path or (file.link and each.link == file.link)}
    flip(path, offset)
    # A flipped byte in a hole fills a block of it; the file may then have no other hole.
    differences = found(proof, {Aspect.LOST_HOLES: "not what is tested here"})
    flip(path, offset)
    assert differences == {(name, Difference.CONTENT) for name in group}


def test_what_is_left_out_is_said_with_its_reason(proof: Proof) -> None:
    shift_mtime(as_bytes(proof.restored))
    reason = "restored into a folder of its own"
    result = compare(proof.manifest, proof.restored, {Aspect.ROOT: reason})
    assert result.ok
    said = {each.what: each.reason for each in result.not_compared}
    assert said[Aspect.ROOT] == reason
    assert {"atime", "ctime and birth time"} <= said.keys()
    assert any("4 unreadable" in what for what in said)


def test_a_tree_of_one_owner_is_no_proof_that_others_come_back(proof: Proof, owner: Owner) -> None:
    said = {each.what for each in compare(proof.manifest, proof.restored).not_compared}
    assert f"owners other than uid {owner.uid} and gid {owner.gid}" in said
    without = compare(proof.manifest, proof.restored, {Aspect.OWNER: "not what is tested here"}).not_compared
    assert not any(each.what.startswith("owners other than") for each in without)


def test_each_aspect_left_out_hides_its_difference_alone(proof: Proof) -> None:
    root = as_bytes(proof.restored)
    replace(root + b"/sparse/only a hole.img", copy_of(root + b"/sparse/only a hole.img"))
    shift_mtime(root + b"/names")
    lost, times = (b"sparse/only a hole.img", Difference.HOLES), (b"names", Difference.MTIME)
    assert found(proof) == {lost, times}
    assert found(proof, {Aspect.LOST_HOLES: "no --sparse"}) == {times}
    assert found(proof, {Aspect.NEW_HOLES: "--sparse", Aspect.FOLDER_MTIMES: "single files"}) == {lost}


def test_leaving_out_needs_a_reason(proof: Proof) -> None:
    with pytest.raises(CompareError, match=r"reason is missing.*uid and gid"):
        compare(proof.manifest, proof.restored, {Aspect.OWNER: " "})


def test_a_restore_that_is_not_there_is_no_comparison(proof: Proof, tmp_path: Path) -> None:
    with pytest.raises(CompareError, match="is no folder"):
        compare(proof.manifest, tmp_path / "nowhere")


def test_a_cut_manifest_proves_nothing(proof: Proof) -> None:
    lines = proof.manifest.read_bytes().splitlines(keepends=True)
    proof.manifest.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(ManifestError, match="was cut"):
        compare(proof.manifest, proof.restored)


def test_a_restored_file_that_cannot_be_read_is_a_difference_of_content(
    proof: Proof, owner: Owner, acting: Acting
) -> None:
    (proof.restored / "crowd/0001.log").chmod(0)
    with acting(owner):
        differences = found(proof)
    assert differences == {(b"crowd/0001.log", Difference.CONTENT), (b"crowd/0001.log", Difference.MODE)}


def test_reported_paths_match_exactly_or_as_restic_prints_them() -> None:
    planted = [b"/a/plain", "/a/имя".encode(), b"/a/\xd0\xff", b"/a/cut \xe2\x82"]
    assert same_paths(planted, planted) == ([], [])
    assert same_paths(planted, ["/a/plain", "/a/имя", "/a/\ufffd\ufffd", "/a/cut \ufffd\ufffd"]) == ([], [])


def test_reported_paths_that_differ_are_named() -> None:
    planted = [b"/a/\xff", b"/a/\xfe", b"/b"]
    assert same_paths(planted, [b"/a/\xff", "/a/\ufffd"]) == (["/b"], [])
    assert same_paths(planted, [b"/a/\xff", "/a/\ufffd", "/b", "/b"]) == ([], ["/b"])
    assert same_paths(planted, ["/a/\ufffd", "/b", "/c"]) == (["/a/\ufffd"], ["/c"])
    assert same_paths([b"/a/\xff"], [b"/a/\xfe"]) == (["/a/\ufffd"], ["/a/\ufffd"])


def _needs_attributes(proof: Proof) -> None:
    if not os.listxattr(proof.restored / "attributes/file"):
        pytest.skip(f"the file system of {proof.restored} has no extended attributes")
