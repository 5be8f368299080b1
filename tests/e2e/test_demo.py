"""`make demo` itself, twice: the second run goes on with the data of the first."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sbs_restic.cli import find_restic

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def var() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sbs-demo-"))
    folder.chmod(0o755)
    yield folder
    _sbs(folder, "down")
    shutil.rmtree(folder)


def _environment() -> dict[str, str]:
    restic = find_restic(os.environ.get("SBS_RESTIC")).path
    ports = {"SBS_PORT_CONSOLE": "0", "SBS_PORT_AGENTS": "0", "SBS_PORT_NATS": "0"}
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith("SBS_")},
        **ports,
        "SBS_RESTIC": str(restic),
    }


def _sbs(var: Path, *words: str) -> None:
    command = [sys.executable, "-m", "sbs_server.roles.cli", *words, "--data-dir", str(var / "sbs")]
    subprocess.run(command, env=_environment(), check=True, stdout=subprocess.DEVNULL)


def _demo(var: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "demo", "--var", str(var)]
    done = subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads((var / "demo" / "report.json").read_text("utf-8"))
    return report


@pytest.mark.timeout(600)
def test_the_demo_holds_and_a_second_run_works_on_the_data_of_the_first(var: Path) -> None:
    for report in (_demo(var), _demo(var)):
        assert report["ok"] is True
        assert report["backup"]["snapshots"] == 2
        assert report["verification"]["mismatches"] == 0
        assert sorted(report["unreadable"]) == sorted(report["planted"])
