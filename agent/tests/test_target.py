"""Where a restore may write, asked by an agent that is not root."""

import subprocess
import sys
import tempfile
from pathlib import Path

CHECK = """
import os, sys
from sbs_agent.commands.target import check_target
from sbs_agent.errors import CommandError

if os.geteuid() == 0:  # to whom no mode says anything
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
try:
    check_target(sys.argv[1], ())
except CommandError as error:
    print(error.problem.code, error.problem.message)
"""


def test_a_folder_that_the_agent_may_not_look_into_is_named() -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        closed = Path(folder, "closed")
        closed.mkdir()
        Path(folder).chmod(0o755)
        closed.chmod(0o000)
        done = subprocess.run(
            [sys.executable, "-c", CHECK, str(closed / "below" / "it")],
            capture_output=True,
            text=True,
            check=True,
            cwd="/",
        )
        closed.chmod(0o700)
    code, _, message = done.stdout.partition(" ")
    assert code == "target_not_writable"
    assert f"'{closed}'" in message
