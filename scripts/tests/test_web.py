"""scripts/web in a project of its own, with stand-ins for Node.js and npm that write down how they were called."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.sources import ROOT

NODE = """#!/bin/sh
[ "$1" = --version ] && { echo v24.0.0; exit; }
echo "compress $2" >>"$CALLS"
"""
NPM = """#!/bin/sh
echo "npm $*" >>"$CALLS"
[ -z "$BROKEN" ] || { echo "the reason why"; exit 1; }
mkdir -p node_modules
[ "$1" != run ] || { rm -rf apps/admin/dist; mkdir -p apps/admin/dist; echo page >apps/admin/dist/index.html; }
"""
CI = "npm ci --no-audit --no-fund --loglevel=error"
BUILD = ["npm run build --loglevel=error", "compress web/apps/admin/dist"]


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("web", "get-node", "compress_assets.mjs"):
            (folder / "scripts").mkdir(exist_ok=True)
            shutil.copy2(ROOT / "scripts" / name, folder / "scripts" / name)
        for name, text in (("node", NODE), ("npm", NPM)):
            (folder / "bin").mkdir(exist_ok=True)
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)
        self.write("package-lock.json", "{}")
        self.write("apps/admin/src/main.tsx", "start()")

    def write(self, name: str, text: str) -> None:
        path = self.folder / "web" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def web(self, *words: str, broken: str = "") -> tuple[subprocess.CompletedProcess[str], list[str]]:
        """What it said, and which programs it called."""
        calls = self.folder / "calls"
        calls.write_text("")
        environment = {"CALLS": str(calls), "BROKEN": broken, "SBS_NODE": str(self.folder / "bin" / "node")}
        done = subprocess.run(
            [self.folder / "scripts" / "web", *words],
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return done, calls.read_text().splitlines()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_the_first_time_it_installs_and_builds_and_then_nothing_and_says_nothing(project: Project) -> None:
    first, calls = project.web("build")
    assert first.returncode == 0, first.stderr
    assert calls == [CI, *BUILD]
    again, calls = project.web("build")
    assert (again.returncode, again.stdout, again.stderr, calls) == (0, "", "", [])


def test_a_changed_source_is_built_and_a_changed_lock_installed_too(project: Project) -> None:
    project.web("build")
    project.write("apps/admin/src/main.tsx", "start(1)")
    assert project.web("build")[1] == BUILD
    project.write("package-lock.json", '{"lockfileVersion": 3}')
    assert project.web("build")[1] == [CI, *BUILD]
    project.write("apps/admin/src/main.test.tsx", "test()")
    assert project.web("build")[1] == []


def test_a_build_by_hand_is_made_anew_because_it_has_no_compressed_copies(project: Project) -> None:
    project.web("build")
    project.web("npm", "run", "build")
    assert project.web("build")[1] == BUILD


def test_a_failure_shows_why_and_is_tried_again_the_next_time(project: Project) -> None:
    project.web("packages")
    failed, _ = project.web("build", broken="yes")
    assert failed.returncode == 1
    assert "the reason why" in failed.stderr
    assert project.web("build")[1] == BUILD


def test_npm_gets_its_words_and_its_exit_code_is_ours(project: Project) -> None:
    done, calls = project.web("npm", "test")
    assert (done.returncode, calls) == (0, [CI, "npm test"])
    assert project.web("npm", "test", broken="yes")[0].returncode == 1
