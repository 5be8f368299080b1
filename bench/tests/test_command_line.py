"""`python -m bench` itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import BENCHMARKS, main
from scripts.sources import ROOT


def test_a_benchmark_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["backups"])
    assert caught.value.code == 2
    assert "no benchmark backups" in capsys.readouterr().err


def test_every_benchmark_has_small_sizes_of_the_same_kind() -> None:
    assert len({one.name for one in BENCHMARKS}) == len(BENCHMARKS) == 6
    for one in BENCHMARKS:
        assert type(one.quick) is type(one.sizes)
        assert one.quick != one.sizes


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("words", "metrics"),
    [
        (["backup-overhead", "--files", "30", "--large-mib", "0"], 6),
        (["api", "--rows", "300", "--agents", "30"], 111),
    ],
)
def test_a_quick_measurement_writes_real_numbers(words: list[str], metrics: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", *words, "--quick", "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((tmp_path / f"{words[0]}.json").read_text())
    assert len(document["metrics"]) == metrics
    for metric in document["metrics"]:
        assert metric["ours"] > 0
        assert metric["ratio"] > 0
        assert metric["runs"]["ours"]
    assert document["versions"]["restic"] in (tmp_path / f"{words[0]}.md").read_text()
