"""A real restic backs the tree up and restores it, as an ordinary user, and the proof holds and can fail.

What restic restores and what not is written down in `demo.compare`; these tests show it again.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.change import change_tree
from demo.compare import Aspect, Difference, compare, same_paths
from demo.manifest import write_manifest
from demo.paths import as_bytes
from demo.tests.samples import Owner
from demo.tree import make_tree
from sbs_restic.cli.errors import ResticUnavailableError
from sbs_restic.cli.locate import find_restic

NO_SPARSE = {Aspect.LOST_HOLES: "restic fills holes with zeros unless it is called with --sparse"}


@dataclass(frozen=True, slots=True)
class Restic:
    """restic with one repository, run as the ordinary user."""

    binary: Path
    home: Path
    owner: Owner

    def run(self, *arguments: str | bytes | Path, code: int = 0) -> list[dict[str, object]]:
        """The JSON messages of both outputs; fails unless the exit code is `code`."""
        root = os.geteuid() == 0
        done = subprocess.run(
            [self.binary, "--json", *arguments],
            env={
                "HOME": str(self.home),
                "RESTIC_REPOSITORY": str(self.home / "repository"),
                "RESTIC_PASSWORD_FILE": str(self.home / "password"),
            },
            cwd=self.home,
            capture_output=True,
            user=self.owner.uid if root else None,
            group=self.owner.gid if root else None,
            extra_groups=[] if root else None,
            check=False,
        )
        assert done.returncode == code, done.stderr.decode(errors="replace")
        lines = (done.stdout + done.stderr).splitlines()
        return [json.loads(line) for line in lines if line.startswith(b"{")]


@pytest.fixture
def restic(place: Path, owner: Owner) -> Restic:
    """restic from SBS_RESTIC or PATH, copied to where the ordinary user can run it."""
    explicit = os.environ.get("SBS_RESTIC")
    try:
        found = find_restic(explicit).path
    except ResticUnavailableError as error:
        if explicit:
            raise  # asked for by name: a wrong one is no reason to skip
        pytest.skip(f"NO RESTIC, the proof is NOT tested against it: {error}")
    home = place / "restic"
    home.mkdir()
    binary = Path(shutil.copy(found, place / "restic-binary"))
    (home / "password").write_text("only for this test")
    if os.geteuid() == 0:
        for path in (home, home / "password"):
            os.chown(path, owner.uid, owner.gid)
    restic = Restic(binary, home, owner)
    restic.run("init")
    return restic


def unreadable(messages: list[dict[str, object]]) -> list[str]:
    """What restic says it could not read; folders are named by the scanner as well, that one is not counted."""
    errors = [each for each in messages if each["message_type"] == "error" and each["during"] == "archival"]
    return [str(each["item"]) for each in errors]


def test_two_points_in_time_come_back_as_their_manifests_say(
    place: Path, owner: Owner, restic: Restic
) -> None:
    plan = make_tree(place / "tree", 3, owner.uid, owner.gid)
    summary = write_manifest(place / "tree", place / "first", owner.reader)
    first = restic.run("backup", "--tag", "first", plan.root, code=3)
    assert same_paths(plan.unreadable_paths(), unreadable(first)) == ([], [])

    changes = change_tree(place / "tree", 3, 1, owner.uid, owner.gid)
    planted = [*plan.unreadable_paths(), *(plan.root + b"/" + name for name in changes.locked)]
    write_manifest(place / "tree", place / "second", owner.reader)
    second = restic.run("backup", "--tag", "second", plan.root, code=3)
    assert same_paths(planted, unreadable(second)) == ([], [])

    for tag in ("first", "second"):
        target = restic.home / tag
        restic.run("restore", "latest", "--tag", tag, "--target", target)
        result = compare(place / tag, as_bytes(target) + plan.root, NO_SPARSE)
        assert result.mismatches == []
        assert result.ok
    assert summary.files - 100 < result.files_checked
    _a_flipped_byte_is_found(place / "second", as_bytes(target) + plan.root)


def _a_flipped_byte_is_found(manifest: Path, restored: bytes) -> None:
    path = restored + b"/large/mixed 48 MiB.bin"
    before = os.lstat(path).st_mtime_ns
    with open(path, "r+b") as file:
        file.seek(12_345_678)
        byte = file.read(1)[0]
        file.seek(12_345_678)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(before, before))
    (mismatch,) = compare(manifest, restored, NO_SPARSE).mismatches
    assert (mismatch.path, mismatch.difference) == (b"large/mixed 48 MiB.bin", Difference.CONTENT)


def test_what_restic_does_not_restore_is_what_compare_says(place: Path, owner: Owner, restic: Restic) -> None:
    plan = make_tree(place / "tree", 4, owner.uid, owner.gid)
    write_manifest(place / "tree", place / "manifest", owner.reader)
    restic.run("backup", plan.root, code=3)

    restic.run("restore", "latest", "--target", restic.home / "plain")
    plain = compare(place / "manifest", as_bytes(restic.home / "plain") + plan.root)
    assert {(each.path[:7], each.difference) for each in plain.mismatches} == {(b"sparse/", Difference.HOLES)}
    assert len(plain.mismatches) == 3

    snapshot_folder = b"latest:" + plan.root
    restic.run("restore", snapshot_folder, "--sparse", "--target", restic.home / "sparse")
    sparse = compare(place / "manifest", restic.home / "sparse")
    assert {(each.path, each.difference) for each in sparse.mismatches} == {
        (b".", Difference.MODE),
        (b".", Difference.MTIME),
        (b"large/written zeros.bin", Difference.HOLES),
    }
