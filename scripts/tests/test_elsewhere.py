"""Where root's make works. The scripts run from a copy in a folder with the permissions of the case."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.sources import ROOT

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: others work in their own folder"),
]


@pytest.fixture
def clone() -> Iterator[Path]:
    """A folder that all may enter: those of pytest are root's alone."""
    folder = Path(tempfile.mkdtemp(prefix="sbs-clone-", dir="/tmp"))
    (folder / "server" / "src").mkdir(parents=True)
    (folder / "Makefile").touch()
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def where(clone: Path) -> str:
    done = subprocess.run(
        [clone / "scripts" / "elsewhere", "where"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_a_folder_that_all_may_enter_is_worked_in(clone: Path) -> None:
    assert where(clone) == ""


def test_for_a_private_folder_a_copy_is_named_always_the_same(clone: Path) -> None:
    clone.chmod(0o700)
    assert where(clone).startswith("/var/lib/sbs-dev/")
    assert where(clone) == where(clone)


def test_files_that_only_root_can_read_make_a_copy_necessary_too(clone: Path) -> None:
    (clone / "Makefile").chmod(0o600)
    assert where(clone) != ""
