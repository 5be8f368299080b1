"""`make demo` itself, twice: the second run goes on with the data of the first."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from sbs_restic.cli import find_restic
from scripts.sources import ROOT
from tests.harness.command import Sbs
from tests.harness.folder import temporary_folder


@pytest.fixture
def sbs() -> Iterator[Sbs]:
    with temporary_folder("demo") as var:
        made = Sbs(var / "sbs", find_restic(os.environ.get("SBS_RESTIC")).path)
        yield made
        made.down()


def _demo(sbs: Sbs) -> dict[str, Any]:
    var = sbs.data_dir.parent
    command = [sys.executable, "-m", "demo", "--var", str(var)]
    done = subprocess.run(command, cwd=ROOT, env=sbs.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads((var / "demo" / "report.json").read_text("utf-8"))
    return report


@pytest.mark.timeout(600)
def test_the_demo_holds_and_a_second_run_works_on_the_data_of_the_first(sbs: Sbs) -> None:
    for report in (_demo(sbs), _demo(sbs)):
        assert report["ok"] is True
        assert report["backup"]["snapshots"] == 2
        assert report["verification"]["mismatches"] == 0
        assert sorted(report["unreadable"]) == sorted(report["planted"])
        assert None not in report["components"].values()
