from pathlib import Path

import pytest

from scripts import mirror


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "server").mkdir(parents=True)
    (folder / "server" / "code.py").write_text("one")
    (folder / "tool").write_text("#!/bin/sh\n")
    (folder / "tool").chmod(0o700)
    (folder / "var" / "sbs").mkdir(parents=True)
    (folder / "var" / "sbs" / "data").write_text("the project's own")
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    (tmp_path / "copy" / "var").mkdir(parents=True)
    return tmp_path / "copy"


def test_the_copy_has_the_sources_for_all_to_read_and_nothing_of_var(project: Path, copy: Path) -> None:
    mirror.into(project, copy)
    assert (copy / "server" / "code.py").read_text() == "one"
    assert (copy / "tool").stat().st_mode & 0o777 == 0o755
    assert not (copy / "var" / "sbs").exists()


def test_only_what_changed_is_written_again(project: Path, copy: Path) -> None:
    mirror.into(project, copy)
    before = (copy / "tool").stat().st_ino
    (project / "server" / "code.py").write_text("two!")
    mirror.into(project, copy)
    assert (copy / "server" / "code.py").read_text() == "two!"
    assert (copy / "tool").stat().st_ino == before


def test_what_the_project_no_longer_has_goes_from_the_copy_except_its_own_state(
    project: Path, copy: Path
) -> None:
    mirror.into(project, copy)
    (copy / ".venv").mkdir()
    (copy / ".venv" / "pyvenv.cfg").write_text("")
    (project / "tool").unlink()
    mirror.into(project, copy)
    assert not (copy / "tool").exists()
    assert (copy / ".venv" / "pyvenv.cfg").exists()


def test_what_the_copy_has_made_comes_home(project: Path, copy: Path) -> None:
    mirror.into(project, copy)
    (copy / "server" / "code.py").write_text("formatted")
    (copy / "results.json").write_text("{}")
    (copy / "var" / "demo").mkdir()
    (copy / "var" / "demo" / "report.json").write_text('{"ok": true}')
    mirror.back(project, copy)
    assert (project / "server" / "code.py").read_text() == "formatted"
    assert (project / "results.json").exists()
    assert (project / "var" / "demo" / "report.json").read_text() == '{"ok": true}'


def test_a_file_that_was_edited_at_home_meanwhile_is_left_alone(
    project: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mirror.into(project, copy)
    (copy / "server" / "code.py").write_text("formatted")
    (project / "server" / "code.py").write_text("edited by hand")
    mirror.back(project, copy)
    assert (project / "server" / "code.py").read_text() == "edited by hand"
    assert "server/code.py has changed" in capsys.readouterr().out


def test_links_stay_links(project: Path, copy: Path) -> None:
    (project / "link").symlink_to("server")
    mirror.into(project, copy)
    assert (copy / "link").readlink() == Path("server")
