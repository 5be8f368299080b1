import os
import subprocess
from pathlib import Path

import pytest

from scripts.sources import ROOT


def find(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "find-python", *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def interpreter(folder: Path, script: str) -> Path:
    path = folder / "python3"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_what_it_prints_is_new_enough_and_has_what_we_need() -> None:
    found = find()
    assert found.returncode == 0
    assert find("--check", found.stdout.strip()).returncode == 0


def test_an_interpreter_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    old = interpreter(tmp_path, "exit 1")
    found = find(PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert found.returncode == 0
    assert found.stdout.strip() != str(old)


def test_a_chosen_one_that_does_not_do_is_refused_by_name(tmp_path: Path) -> None:
    found = find(SBS_PYTHON=str(interpreter(tmp_path, "exit 1")))
    assert found.returncode == 1
    assert f"SBS_PYTHON={tmp_path}/python3" in found.stderr


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: only root can run what others can't")
def test_root_does_not_choose_one_that_others_can_not_run(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    private = interpreter(tmp_path, 'exec /usr/bin/env -u PATH /usr/bin/python3 "$@"')
    assert find("--check", str(private)).returncode == 1
