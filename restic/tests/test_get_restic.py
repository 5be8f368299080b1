"""scripts/get-restic, with stand-ins for old and new binaries; the fetch itself is real."""

import subprocess
from pathlib import Path

import pytest

from .conftest import CHECKOUT

SCRIPT = CHECKOUT / "scripts" / "get-restic"
SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"


def program(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho 'restic {version} compiled with go1.24.4 on linux/amd64'\n")
    path.chmod(0o755)
    return path


def call(*args: str | Path, **env: str | Path) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": SYSTEM} | {name: str(value) for name, value in env.items()}
    return subprocess.run([SCRIPT, *args], env=variables, capture_output=True, text=True, check=False)


def test_the_explicit_one_comes_first(tmp_path: Path) -> None:
    chosen, other = program(tmp_path / "mine", "0.18.0"), program(tmp_path / "bin" / "restic", "0.19.1")
    done = call(tmp_path / "dest", SBS_RESTIC=chosen, PATH=f"{other.parent}:{SYSTEM}")
    assert (done.returncode, done.stdout) == (0, f"{chosen}\n")
    assert "restic 0.18.0 (SBS_RESTIC)" in done.stderr


def test_an_explicit_one_that_is_too_old_is_an_error(tmp_path: Path) -> None:
    done = call(tmp_path / "dest", SBS_RESTIC=program(tmp_path / "mine", "0.17.3"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "0.17.3: 0.18 or newer is needed" in done.stderr


def test_an_explicit_one_that_is_no_restic_is_an_error(tmp_path: Path) -> None:
    done = call(tmp_path / "dest", SBS_RESTIC="/bin/true")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no restic that runs" in done.stderr


def test_an_old_one_on_the_path_hides_no_newer_one(tmp_path: Path) -> None:
    old, new = program(tmp_path / "a" / "restic", "0.9.6"), program(tmp_path / "b c" / "restic", "1.0.0")
    done = call(tmp_path / "dest", PATH=f"{old.parent}:{new.parent}:{SYSTEM}")
    assert (done.returncode, done.stdout) == (0, f"{new}\n")
    assert "(PATH)" in done.stderr


def test_what_was_fetched_earlier_is_taken(tmp_path: Path) -> None:
    fetched = program(tmp_path / "dest" / "restic", "0.18.1-dev")
    done = call(tmp_path / "dest", PATH=SYSTEM)
    assert (done.returncode, done.stdout) == (0, f"{fetched}\n")
    assert "fetched earlier" in done.stderr


def test_without_a_mirror_it_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "apt").mkdir()
    done = call(tmp_path / "dest", SBS_APT_DIR=tmp_path / "apt")
    assert (done.returncode, done.stdout) == (1, "")
    assert "SBS_RESTIC" in done.stderr
    assert list((tmp_path / "dest").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["deb822", "one-line"])
def test_a_newer_package_is_fetched_with_apt(shape: str, tmp_path: Path) -> None:
    if not Path("/usr/bin/apt-get").exists():
        pytest.skip("NOT TESTED: fetching needs Debian or Ubuntu")
    apt = tmp_path / "apt"
    (apt / "sources.list.d").mkdir(parents=True)
    mirror = _mirror()
    text = {
        "deb822": f"# x\nTypes: deb deb-src\nURIs: {mirror}\nSuites: any\nComponents: main\n\n"
        "Enabled: no\nTypes: deb\nURIs: file:/nowhere\nSuites: any\nComponents: main\n",
        "one-line": f"# deb x\ndeb [arch=amd64 signed-by=/x] {mirror} any main\ndeb-src file:/nowhere any main\n",
    }[shape]
    (apt / "sources.list.d" / ("x.sources" if shape == "deb822" else "x.list")).write_text(text)
    done = call(tmp_path / "dest", SBS_APT_DIR=apt)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path}/dest/restic\n"
    assert [path.name for path in (tmp_path / "dest").iterdir()] == ["restic"]
    assert call(tmp_path / "dest", SBS_APT_DIR=apt).stderr.count("fetched earlier") == 1


def _mirror() -> str:
    """The mirror of this machine, by apt's own account instead of our parser's."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    )
    return next(line for line in listed.stdout.splitlines() if "security" not in line)
