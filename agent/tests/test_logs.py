"""What the agent's log shows of an error."""

import subprocess
import sys

import pytest

FAIL = """
import sys, structlog
from sbs_agent.logs import Style, configure

configure(Style(sys.argv[1]))
def open_repository():
    password = "let" + "me" + "in"
    raise OSError("it broke")
try:
    open_repository()
except OSError:
    structlog.get_logger().exception("that failed")
"""


@pytest.mark.parametrize("style", ["console", "json"])
def test_a_traceback_does_not_show_what_variables_hold(style: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAIL, style], capture_output=True, text=True, check=True, cwd="/"
    )
    assert "it broke" in done.stderr
    assert "open_repository" in done.stderr
    assert "letmein" not in done.stderr
