"""The report says `ok` only where all of it held."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from demo.compare import Comparison, Difference, Mismatch, NotCompared
from demo.errors import ReportError
from demo.report import Report


def good(path: Path) -> Report:
    """A report of a demonstration in which all held, not finished yet."""
    report = Report(path)
    with report.step("back up"):
        report.backed_up(files=3, size_bytes=5 << 20, snapshots=1)
    report.backed_up(files=4, size_bytes=1 << 20, snapshots=1)
    report.unreadables("first", [b"/a/locked", b"/a/\xff"], ["/a/\ufffd", "/a/locked"])
    report.unreadables("second", [b"/a/locked", b"/b"], [b"/a/locked", b"/b"])
    report.verified(
        "first", Comparison(files_checked=3, entries_checked=4, not_compared=[NotCompared("x", "y")])
    )
    report.verified(
        "second", Comparison(files_checked=4, entries_checked=5, not_compared=[NotCompared("x", "y")])
    )
    report.component("restic", "0.18.0")
    return report


def stored(path: Path) -> dict[str, object]:
    content = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def test_all_held(tmp_path: Path) -> None:
    path = tmp_path / "var/demo/report.json"
    assert good(path).finish()
    content = stored(path)
    assert content["ok"] is True
    assert content["failures"] == []
    assert content["backup"] == {"files": 7, "bytes": 6 << 20, "snapshots": 2}
    assert content["unreadable"] == content["planted"] == ["/a/locked", "/a/\ufffd", "/b"]
    assert content["components"] == {"restic": "0.18.0"}
    assert [path.name for path in path.parent.iterdir()] == ["report.json"]


def test_the_verification_adds_up(tmp_path: Path) -> None:
    report = good(tmp_path / "report.json")
    report.verified(
        "third",
        Comparison([Mismatch(b"a/\xff", Difference.CONTENT, "other")], files_checked=1, entries_checked=1),
    )
    assert not report.finish()
    verification = stored(tmp_path / "report.json")["verification"]
    assert verification == {
        "files_checked": 8,
        "mismatches": 1,
        "entries_checked": 10,
        "bytes_checked": 0,
        "restores": ["first", "second", "third"],
        "details": [{"restore": "third", "path": "a/\ufffd", "difference": "content", "detail": "other"}],
        "not_compared": [{"what": "x", "reason": "y"}],
    }


def fail_a_step(report: Report) -> None:
    with pytest.raises(OSError, match="disk"), report.step("restore"):
        raise OSError("disk full")


SPOILERS: dict[str, tuple[Callable[[Report], object], str]] = {
    "a step failed": (fail_a_step, "step failed: restore: OSError: disk full"),
    "one unreadable too few": (
        lambda report: report.unreadables("third", [b"/a", b"/b"], ["/a"]),
        "third: unreadable, but not reported: '/b'",
    ),
    "one unreadable too many": (
        lambda report: report.unreadables("third", [b"/a"], [b"/a", b"/b"]),
        "third: reported, but not planted: '/b'",
    ),
    "a mismatch": (
        lambda report: report.verified(
            "third", Comparison([Mismatch(b"a", Difference.MODE, "")], files_checked=1, entries_checked=1)
        ),
        "third: 1 mismatches",
    ),
    "broken off between two steps": (
        lambda report: report.broke_off("DemoError: no answer"),
        "broken off: DemoError: no answer",
    ),
    "a snapshot that was not compared": (
        lambda report: report.backed_up(files=1, size_bytes=1, snapshots=1),
        "3 snapshots, but 2 of them compared",
    ),
    "an empty comparison": (
        lambda report: report.verified("third", Comparison()),
        "third: nothing was compared",
    ),
}


@pytest.mark.parametrize("spoiler", SPOILERS)
def test_one_thing_that_does_not_hold_spoils_it(tmp_path: Path, spoiler: str) -> None:
    spoil, expected = SPOILERS[spoiler]
    report = good(tmp_path / "report.json")
    spoil(report)
    assert not report.finish()
    assert stored(tmp_path / "report.json")["ok"] is False
    assert report.failures() == [expected]
    assert f"FAILED  {expected}" in report.table()


def test_a_report_of_nothing_is_not_ok(tmp_path: Path) -> None:
    report = Report(tmp_path / "report.json")
    with pytest.raises(ReportError, match="without a step"):
        report.finish()
    with report.step("nothing"):
        pass
    assert not report.finish()
    assert len(report.failures()) == 5


def test_a_demonstration_killed_half_way_leaves_a_report_that_is_not_ok(tmp_path: Path) -> None:
    report = good(tmp_path / "report.json")
    with report.step("last"):
        pass
    assert stored(tmp_path / "report.json")["ok"] is False
    assert report.failures() == []
    assert report.finish()


def test_an_interrupted_step_is_a_failed_one(tmp_path: Path) -> None:
    report = good(tmp_path / "report.json")
    with pytest.raises(KeyboardInterrupt), report.step("restore"):
        raise KeyboardInterrupt
    assert report.failures() == ["step failed: restore: interrupted"]


def test_steps_are_timed(tmp_path: Path) -> None:
    times = iter([10.0, 12.5])
    report = Report(tmp_path / "report.json", clock=lambda: next(times))
    with report.step("wait"):
        pass
    assert stored(tmp_path / "report.json")["steps"] == [{"name": "wait", "seconds": 2.5, "ok": True}]


def test_a_name_that_is_not_utf8_in_an_error_neither_breaks_file_nor_terminal(tmp_path: Path) -> None:
    report = good(tmp_path / "report.json")
    with pytest.raises(OSError, match="bad"), report.step("restore"):
        raise OSError("bad name \udcff\x1b[31m")
    steps = stored(tmp_path / "report.json")["steps"]
    assert isinstance(steps, list)
    assert steps[-1]["error"] == "OSError: bad name \udcff\x1b[31m"
    assert "\x1b" not in report.table()
    assert report.table().encode()


def test_the_table_shows_steps_sums_and_components(tmp_path: Path) -> None:
    report = good(tmp_path / "report.json")
    report.finish()
    table = report.table()
    for expected in (
        "ok      back up",
        "7 files, 6.0 MiB, 2 snapshots",
        "3 reported, 3 planted",
        "0.18.0",
        "all of it held",
    ):
        assert expected in table
