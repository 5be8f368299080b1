"""Where `sbs login` gets the password from."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sbs_server.cli.commands import session
from sbs_server.roles.cli import app

LOGIN = ["login", "--email=a@example.org", "--url=https://localhost:1"]


def login(*words: str, text: str | None = None) -> Result:
    return CliRunner().invoke(app, [*LOGIN, *words], input=text)


def test_without_a_terminal_the_ways_to_give_a_password_are_told() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "sbs_server.roles.cli", *LOGIN],
        input="secret\n",
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # no terminal to fall back to either
    )
    assert done.returncode == 2
    assert "--password-file - with the password on standard input" in done.stderr
    assert len(done.stderr.splitlines()) == 1  # no warning, no traceback
    assert "secret" not in done.stderr


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\nmore\n"])
def test_a_password_is_the_first_line_of_a_file_or_of_standard_input(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_bytes(f" pass wörd {ending}".encode())
    assert session._password(str(file)) == " pass wörd "
    monkeypatch.setattr("sys.stdin", file.open(encoding="utf-8", newline=""))
    assert session._password("-") == " pass wörd "
    sys.stdin.close()


def test_an_empty_password_is_told_as_that() -> None:
    done = login("--password-file=-", text="")
    assert (done.exit_code, "is empty" in done.stderr) == (2, True)
    assert "Warning" not in done.stderr


def test_a_file_that_is_not_there_is_named() -> None:
    done = login("--password-file=/nonexistent")
    assert (done.exit_code, "/nonexistent" in done.stderr) == (2, True)
