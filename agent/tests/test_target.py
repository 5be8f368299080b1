"""Where a restore may write, asked by an agent that is not root."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sbs_agent.commands.target import check_target
from sbs_agent.errors import CommandError

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


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can make links of others")
@pytest.mark.parametrize("of_another", [True, False])
def test_only_a_link_of_ours_or_roots_may_lead_to_the_target(tmp_path: Path, of_another: bool) -> None:
    """Another account could turn its link elsewhere, for an agent that is root."""
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "second").symlink_to(tmp_path / "real")
    if of_another:
        os.lchown(tmp_path / "second", 65534, 65534)
        with pytest.raises(CommandError, match=r"second' is a symbolic link of another account.*real/deep'"):
            check_target(str(tmp_path / "first" / "deep"), ())
    else:
        assert check_target(str(tmp_path / "first" / "deep"), ()).path == tmp_path / "real" / "deep"
