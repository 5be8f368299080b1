"""Compares a restored folder with the manifest of what it was restored from.

Compared for every entry: presence, kind, mode (all twelve bits), owner, mtime to the nanosecond, extended
attributes; for files size, SHA-256 of the content, holes, and which names share an inode; for symlinks the
target. What the manifest calls unreadable must be absent, everything else must be there, and nothing more.

Nothing is left out in silence. `Comparison.not_compared` lists what no restore can bring back, what the
backup could not read, and each aspect the caller left out, which takes a reason in words.

What restic 0.18.0 restores, seen with the tree of `tree.make_tree`, backed up and restored by an ordinary
user on ext4 (`tests/test_restic.py` shows it again each time):

- Restored: every name with its bytes; contents; all mode bits, setgid and sticky ones of folders too; mtimes
  to the nanosecond of files, folders, symlinks and pipes, also before 1970; symlink targets with their bytes;
  hard links; pipes; `user.*` attributes of files and folders, empty ones too; owner, as far as the restoring
  user may give it.
- Holes: only with `restore --sparse`. Without it a file has the same content but takes its full space: leave
  out `Aspect.LOST_HOLES`. With it, long runs of zeros that had been written as data come back as holes too:
  leave out `Aspect.NEW_HOLES`.
- An unreadable file or folder is not in the snapshot at all: no empty file, no empty folder. restic ends with
  exit code 3 and prints one error message "archival" for each; an unreadable folder has another one "scan".
  Bytes of a name that are no UTF-8 are one U+FFFD each in these messages; `same_paths` matches them.
- `restore <snapshot>:<folder> --target X` fills X but leaves the mode and times of X itself alone: leave out
  `Aspect.ROOT` then. Without a subfolder the root of the tree is restored like any folder below X.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from demo.entries import ROOT, Entry, order, walk
from demo.errors import CompareError
from demo.manifest import read_manifest
from demo.paths import as_bytes, readable


class Difference(StrEnum):
    """The kinds of mismatch."""

    MISSING = "missing"
    EXTRA = "extra"
    UNREADABLE = "unreadable in the source, yet restored"
    TYPE = "type"
    SIZE = "size"
    CONTENT = "content"
    HOLES = "holes"
    LINK_TARGET = "link target"
    HARD_LINK = "hard link"
    MODE = "mode"
    OWNER = "owner"
    MTIME = "mtime"
    XATTR = "xattr"


class Aspect(StrEnum):
    """What a caller may leave out, with a reason."""

    OWNER = "uid and gid"
    LOST_HOLES = "holes of the source that the restore filled with zeros"
    NEW_HOLES = "holes of the restore where the source has zeros"
    ROOT = "mode, owner, mtime and attributes of the restored folder itself"
    FOLDER_MTIMES = "mtimes of folders"
    SYSTEM_XATTRS = "extended attributes outside of user.*"


ALWAYS_LEFT_OUT = (
    ("atime", "reading the source for backup and manifest changes it"),
    ("ctime and birth time", "no system call sets them"),
    ("inode numbers and devices", "a file system gives them; which names share an inode is compared"),
)


_UNKNOWN = "\ufffd".encode()


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference at one path; `detail` says what was expected and what was found."""

    path: bytes
    difference: Difference
    detail: str


@dataclass(frozen=True, slots=True)
class NotCompared:
    """One thing no claim is made about, and why."""

    what: str
    reason: str


@dataclass(slots=True)
class Comparison:
    """The result. `files_checked` counts files whose content was read and compared, each name by itself."""

    mismatches: list[Mismatch] = field(default_factory=list)
    files_checked: int = 0
    entries_checked: int = 0
    bytes_checked: int = 0
    unreadable_absent: list[bytes] = field(default_factory=list)
    not_compared: list[NotCompared] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether all that was compared is the same. A comparison of nothing at all is no proof."""
        return not self.mismatches and self.entries_checked > 0


def compare(
    manifest: Path, restored: bytes | str | Path, leave_out: Mapping[Aspect, str] | None = None
) -> Comparison:
    """Compares the folder `restored` with `manifest`, whose root it stands for.

    `leave_out` gives the reason for each aspect that is not to be compared. Raises CompareError when
    there is no such folder or a reason is empty, ManifestError when the manifest is damaged."""
    top = os.path.abspath(as_bytes(restored))
    if not os.path.isdir(top) or os.path.islink(top):
        raise CompareError(f"{os.fsdecode(top)!r} is no folder: give the one that was restored into")
    left_out = dict(leave_out or {})
    if empty := [aspect.value for aspect, reason in left_out.items() if not reason.strip()]:
        raise CompareError(f"a reason is missing for leaving out: {', '.join(empty)}")
    checker = _Checker(left_out)
    for expected, found in _pairs(read_manifest(manifest), walk(top)):
        checker.pair(expected, found)
    return checker.finish()


def same_paths(planted: Iterable[bytes], reported: Iterable[bytes | str]) -> tuple[list[str], list[str]]:
    """What is missing in `reported`, and what is there without being `planted`; both empty if they are equal.

    A reported path is exact or, where it has U+FFFD, the text restic prints: one U+FFFD for each byte
    that is no UTF-8. Such a text stands for one planted path that looks the same and was not reported
    otherwise. A path reported twice is one too many."""
    missing = Counter(planted)
    got = Counter(as_bytes(path) for path in reported)
    both = missing & got
    missing, unexpected = missing - both, got - both
    by_looks: dict[bytes, list[bytes]] = {}
    for path in missing.elements():
        by_looks.setdefault(readable(path).encode(), []).append(path)
    for text in list(unexpected.elements()):
        if _UNKNOWN in text and by_looks.get(text):
            missing[by_looks[text].pop()] -= 1
            unexpected[text] -= 1
    return sorted(map(readable, missing.elements())), sorted(map(readable, unexpected.elements()))


def _pairs(expected: Iterator[Entry], found: Iterator[Entry]) -> Iterator[tuple[Entry | None, Entry | None]]:
    """Merges two walks by path: an entry of both, of the first alone or of the second alone."""
    left, right = next(expected, None), next(found, None)
    while left is not None or right is not None:
        if right is None or (left is not None and order(left.path) < order(right.path)):
            yield left, None
            left = next(expected, None)
        elif left is None or order(right.path) < order(left.path):
            yield None, right
            right = next(found, None)
        else:
            yield left, right
            left, right = next(expected, None), next(found, None)


class _Checker:
    """Takes pairs, keeps differences. Memory grows with these and with the paths, never with contents."""

    def __init__(self, left_out: Mapping[Aspect, str]) -> None:
        self._left_out = left_out
        self._result = Comparison()
        self._link_expected: dict[
            bytes, bytes
        ] = {}  # first name in the manifest -> first name in the restore
        self._link_found: dict[bytes, bytes] = {}  # and the other way round
        self._owners: set[tuple[int, int]] = set()

    def pair(self, expected: Entry | None, found: Entry | None) -> None:
        """Compares an entry of the manifest with the one restored at its path; None where there is none."""
        if expected is None:
            if found is not None:
                self._differ(found, Difference.EXTRA, f"a {found.kind} that the manifest does not have")
        elif not expected.readable:
            self._unreadable(expected, found)
        elif found is None:
            self._differ(expected, Difference.MISSING, f"a {expected.kind} that was not restored")
        else:
            self._both(expected, found)

    def finish(self) -> Comparison:
        """The result, with all that was not compared."""
        result = self._result
        result.not_compared = [NotCompared(what, reason) for what, reason in ALWAYS_LEFT_OUT]
        result.not_compared += [NotCompared(aspect.value, why) for aspect, why in self._left_out.items()]
        if result.unreadable_absent:
            what = f"content of {len(result.unreadable_absent)} unreadable entries and all below them"
            result.not_compared.append(
                NotCompared(what, "the backup's user can't read them; they must be absent")
            )
        if Aspect.OWNER not in self._left_out and len(self._owners) == 1:
            ((uid, gid),) = self._owners
            result.not_compared.append(
                NotCompared(
                    f"owners other than uid {uid} and gid {gid}",
                    "all that was backed up is theirs, and only root can give files to somebody else",
                )
            )
        return result

    def _unreadable(self, expected: Entry, found: Entry | None) -> None:
        if found is None:
            self._result.unreadable_absent.append(expected.path)
        else:
            self._differ(found, Difference.UNREADABLE, f"a {found.kind} that nobody could have backed up")

    def _both(self, expected: Entry, found: Entry) -> None:
        self._result.entries_checked += 1
        self._owners.add((expected.uid, expected.gid))
        if expected.kind != found.kind:
            self._differ(expected, Difference.TYPE, _words(expected.kind, found.kind))
            return
        if expected.kind == "file":
            self._content(expected, found)
        self._same(expected, Difference.LINK_TARGET, expected.target, found.target)
        self._links(expected, found)
        if expected.path != ROOT or Aspect.ROOT not in self._left_out:
            self._metadata(expected, found)

    def _content(self, expected: Entry, found: Entry) -> None:
        if not found.readable:
            self._differ(expected, Difference.CONTENT, "the restored file can't be read")
            return
        self._result.files_checked += 1
        self._result.bytes_checked += found.size or 0
        if expected.size != found.size:
            self._same(expected, Difference.SIZE, expected.size, found.size)
        else:
            self._same(expected, Difference.CONTENT, expected.sha256, found.sha256)
        if (Aspect.LOST_HOLES if expected.holes else Aspect.NEW_HOLES) not in self._left_out:
            self._same(expected, Difference.HOLES, expected.holes, found.holes)

    def _links(self, expected: Entry, found: Entry) -> None:
        """Names of one inode must be names of one inode again, and no others: groups map one to one."""
        here, there = expected.link or expected.path, found.link or found.path
        if self._link_expected.setdefault(here, there) != there:
            self._differ(expected, Difference.HARD_LINK, f"is no longer the same file as {readable(here)!r}")
        elif self._link_found.setdefault(there, here) != here:
            self._differ(expected, Difference.HARD_LINK, f"has become the same file as {readable(there)!r}")

    def _metadata(self, expected: Entry, found: Entry) -> None:
        self._same(expected, Difference.MODE, f"{expected.mode:04o}", f"{found.mode:04o}")
        if Aspect.OWNER not in self._left_out:
            self._same(expected, Difference.OWNER, (expected.uid, expected.gid), (found.uid, found.gid))
        if expected.kind != "folder" or Aspect.FOLDER_MTIMES not in self._left_out:
            self._same(expected, Difference.MTIME, expected.mtime_ns, found.mtime_ns)
        self._same(expected, Difference.XATTR, self._xattrs(expected), self._xattrs(found))

    def _xattrs(self, entry: Entry) -> dict[bytes, bytes]:
        if Aspect.SYSTEM_XATTRS not in self._left_out:
            return entry.xattrs
        return {name: value for name, value in entry.xattrs.items() if name.startswith(b"user.")}

    def _same(self, entry: Entry, difference: Difference, expected: object, found: object) -> None:
        if expected != found:
            self._differ(entry, difference, _words(expected, found))

    def _differ(self, entry: Entry, difference: Difference, detail: str) -> None:
        self._result.mismatches.append(Mismatch(entry.path, difference, detail))


def _words(expected: object, found: object) -> str:
    return f"expected {expected!r}, found {found!r}"
