"""Which failures are run once more."""

import json
from pathlib import Path

import pytest

from scripts.failed_tests import FEW, few_failures


def _cache(folder: Path, names: list[str]) -> Path:
    record = folder / "v" / "cache" / "lastfailed"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps(dict.fromkeys(names, True)))
    return folder


def test_a_few_failures_are_named_in_order(tmp_path: Path) -> None:
    assert few_failures(_cache(tmp_path, ["b.py::two", "a.py::one"])) == ["a.py::one", "b.py::two"]


def test_many_failures_are_no_hiccup(tmp_path: Path) -> None:
    assert few_failures(_cache(tmp_path, [f"a.py::{number}" for number in range(FEW + 1)])) == []


def test_a_run_that_left_no_record_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        few_failures(tmp_path)
