"""Folders that a snapshot has as read-only, restored by an agent that is not root."""

import asyncio
import sys
import tempfile
from pathlib import Path

READ_ONLY = """
import os, pathlib, sys
from sbs_agent.commands.restore_move import look_ahead, move_into_place
from sbs_agent.commands.restore_staging import Staging

if os.geteuid() == 0:  # to whom no mode says anything
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
os.umask(0o022)
staging = Staging(pathlib.Path(sys.argv[1]), "command")
there, ours = staging.target / "folder", staging.files / "folder"
there.mkdir()
for name in ("kept", "gone"):
    (there / name).write_text("mine")
staging.create()
staging.keep([b"folder/kept", b"folder/gone"])
(ours / "new").write_text("restored")
ours.chmod(0o555)
(there / "gone").unlink()
assert look_ahead(staging, lambda: None).left == 1
print(staging.forget_kept())
assert ours.stat().st_mode & 0o200, "restic could not fetch what is gone"
ours.chmod(0o555)
move_into_place(staging, None, lambda: None)
staging.remove()
print(sorted((path.name, path.read_text()) for path in there.iterdir()))
"""


async def test_files_of_a_read_only_folder_get_into_the_one_that_is_there() -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as target:
        Path(target).chmod(0o777)
        script = await asyncio.create_subprocess_exec(
            sys.executable, "-c", READ_ONLY, target, stdout=asyncio.subprocess.PIPE, cwd="/"
        )
        said, _ = await script.communicate()
    assert script.returncode == 0
    assert said.decode().splitlines() == [
        "(1, [b'/folder/gone'])",
        "[('kept', 'mine'), ('new', 'restored')]",
    ]
