"""One line on a terminal, a line now and then elsewhere."""

import io

import pytest
from rich.cells import cell_len

from sbs_server.cli.live_line import EVERY_S, LiveLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_terminal_has_one_line_that_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    stream = Terminal()
    line = LiveLine(stream, Clock())
    for done in range(3):
        line.update(f"transferring: {done} files, " + "длинный путь " * 10, "transferring")
    line.clear()
    written = stream.getvalue()
    assert "\n" not in written
    shown = [one for one in written.split("\r\x1b[K") if one]
    assert [one.split(",")[0] for one in shown] == [f"transferring: {done} files" for done in range(3)]
    assert max(map(cell_len, shown)) < 40
    assert written.endswith("\r\x1b[K")


def test_a_log_gets_a_line_every_few_seconds_and_for_each_new_step() -> None:
    stream, clock = io.StringIO(), Clock()
    line = LiveLine(stream, clock)
    for step in ("scanning", "transferring"):
        for _ in range(10):
            line.update(f"{step} at {clock.now:.0f}", step)
            clock.now += EVERY_S / 5
    assert stream.getvalue().splitlines() == [
        "scanning at 0",
        "scanning at 5",
        "transferring at 10",
        "transferring at 15",
    ]


def test_a_line_that_stays_replaces_the_live_one() -> None:
    stream = io.StringIO()
    line = LiveLine(stream, Clock())
    line.say("run 1 waiting")
    line.clear()
    assert stream.getvalue() == "run 1 waiting\n"
