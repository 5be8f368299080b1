"""Tables for people, also through a pipe and on a narrow terminal."""

import pytest

from sbs_server.cli.output import fields, show

ID = "01990000-aaaa-7000-8000-000000000001"
ROW = {"id": ID, "name": "a name of some length " * 12, "agent_id": ID, "state": "running"}
COLUMNS = fields("id", "name", "agent_id", "state")


def test_through_a_pipe_each_row_is_one_whole_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    show([ROW, ROW], COLUMNS, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].split() == ["ID", "NAME", "AGENT", "ID", "STATE"]
    for line in lines[1:]:
        assert line.startswith(ID)
        assert ROW["name"].strip() in line
        assert line.endswith("running")


@pytest.mark.parametrize("width", ["20", "60", "120"])
def test_on_a_narrow_terminal_ids_stay_in_one_piece(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, as far as rich can tell
    show([ROW], COLUMNS, as_json=False)
    text = capsys.readouterr().out
    assert text.count(ID) == 2
    assert len(text.splitlines()) > 2  # the long name is folded
    assert max(map(len, text.splitlines())) <= max(int(width), 36 + 12 + 36 + 7 + 4 * 2)


def test_what_looks_like_markup_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"id": ID, "name": "[bold]x[/] :smile:"}], fields("id", "name"), as_json=False)
    assert "[bold]x[/] :smile:" in capsys.readouterr().out


def test_an_empty_list_has_its_titles(capsys: pytest.CaptureFixture[str]) -> None:
    show([], COLUMNS, as_json=False)
    assert capsys.readouterr().out.split() == ["ID", "NAME", "AGENT", "ID", "STATE"]
