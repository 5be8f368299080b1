"""Options of `sbs jobs` that are refused before anybody is asked."""

import pytest
from typer.testing import CliRunner

from sbs_server.roles.cli import app

CREATE = ["jobs", "create", "x", "--source=/s", "--agent=a", "--repository=r"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*CREATE, "--cron", ""], "--cron is empty"),
        ([*CREATE, "--cron", " "], "leave --cron out"),
        (["jobs", "edit", "x", "--cron", ""], "--no-schedule"),
        (["jobs", "edit", "x", "--cron", "1 * * * *", "--no-schedule"], "--cron and --no-schedule"),
        (["jobs", "edit", "x", "--exclude", "*.tmp", "--no-masks"], "--no-masks"),
    ],
)
def test_options_that_make_no_sense_get_one_line_with_what_would(words: list[str], said: str) -> None:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
