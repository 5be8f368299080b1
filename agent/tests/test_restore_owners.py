"""Owners and groups that an agent which is not root can't restore: told once, and never claimed as restored."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from sbs_agent.platform import platform
from sbs_agent.testing.work import Work
from sbs_protocol.commands import ConflictPolicy, RestoreRun
from sbs_protocol.events import CommandResult
from sbs_restic.cli.commands import backup, init
from sbs_restic.cli.locate import Located
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository

NOBODY, SOMEBODY = 65534, 12345
AS_NOBODY = """
import asyncio, json, os, sys
from pathlib import Path
from uuid import uuid4
from pydantic import SecretStr
from sbs_agent.testing.work import Work
from sbs_protocol.commands import ConflictPolicy, RestoreRun
from sbs_restic.cli.process import Runner, RunnerSettings
from sbs_restic.cli.repository import Repository

os.setgroups([]), os.setgid(65534), os.setuid(65534)
binary, place, snapshot, policy, *there = sys.argv[1:]
place = Path(place)
work = Work(place, Runner(RunnerSettings(binary=Path(binary))), Repository.local(place / "repo", SecretStr("x")))
for name in there:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text("mine")
body = RestoreRun(restic_repository_id=uuid4(), restic_snapshot_id=snapshot, target_folder=str(place / "target"),
    policy=ConflictPolicy(policy))
outcome = asyncio.run(work.run(body))
print(json.dumps({"result": outcome.result, "problem": outcome.problem and outcome.problem.message,
    "restore": outcome.restore.model_dump(mode="json"), "exit": outcome.restic_exit_code,
    "warnings": [(w.path.text, w.code, w.message) for w in work.warnings()]}))
"""

pytestmark = pytest.mark.skipif(
    os.name == "nt" or os.geteuid() != 0, reason="only root can make files of others and become somebody else"
)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every account can get to: pytest's own are private."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as made:
        Path(made).chmod(0o777)
        yield Path(made)


@pytest.fixture
async def snapshot(place: Path, runner: Runner) -> str:
    """Of seven files and a folder; all but one file belong to somebody else."""
    source = place / "source"
    source.mkdir()
    for number in range(7):
        (source / f"{number}").write_text("x")
    for path in (source, *source.iterdir()):
        os.chown(path, SOMEBODY, SOMEBODY)
    os.chown(source / "0", NOBODY, NOBODY)
    os.chown(source / "1", NOBODY, SOMEBODY)  # the group alone is enough
    repository = Repository.local(place / "repo", SecretStr("x"))
    await init.run(runner, repository)
    request = backup.BackupRequest(sources=(str(source),), host="machine")
    return (await backup.run(runner, repository, request)).summary.snapshot_id


async def _as_nobody(
    restic: Located, place: Path, snapshot: str, policy: ConflictPolicy, *there: Path
) -> dict[str, Any]:
    os.chown(place / "repo", NOBODY, NOBODY)
    for path in (place / "repo").rglob("*"):
        os.chown(path, NOBODY, NOBODY)
    arguments = [restic.path, place, snapshot, policy, *there]
    script = await asyncio.create_subprocess_exec(
        sys.executable, "-c", AS_NOBODY, *map(str, arguments), stdout=asyncio.subprocess.PIPE, cwd="/"
    )
    said, _ = await script.communicate()
    assert script.returncode == 0
    answer: dict[str, Any] = json.loads(said)
    return answer


@pytest.mark.parametrize("policy", [ConflictPolicy.REFUSE, ConflictPolicy.OVERWRITE])
async def test_owners_that_cannot_be_restored_are_one_warning_with_a_count_and_the_first_paths(
    restic: Located, place: Path, snapshot: str, policy: ConflictPolicy
) -> None:
    answer = await _as_nobody(restic, place, snapshot, policy)
    assert answer["problem"] is None
    assert answer["exit"] == 0, "restic began to tell it itself"
    assert answer["result"] == "completed_with_warnings"
    restored = Path(f"{place}/target{place}/source")
    assert {path.lstat().st_uid for path in restored.iterdir()} == {NOBODY}
    [(path, code, message)] = answer["warnings"]
    assert (path, code) == (f"{place}/source", "owner_lost")  # the folders above it say nothing to anybody
    assert "owner and group of 7 files and folders were not restored" in message
    assert f"({place}/source, {place}/source/1, " in message
    assert "and 2 more)" in message
    assert (answer["restore"]["owners_not_restored"], answer["restore"]["files_verified"]) == (7, 7)


async def test_what_stays_in_the_target_loses_no_owner(restic: Located, place: Path, snapshot: str) -> None:
    there = Path(f"{place}/target{place}/source")
    answer = await _as_nobody(restic, place, snapshot, ConflictPolicy.SKIP, there / "1", there / "2")
    assert answer["problem"] is None
    # Five files; the folders are there.
    assert (answer["restore"]["owners_not_restored"], answer["restore"]["files_restored"]) == (4, 5)


async def test_root_restores_owners_and_says_nothing_of_them(work: Work, place: Path, snapshot: str) -> None:
    work.repository = Repository.local(place / "repo", SecretStr("x"))
    body = RestoreRun(
        restic_repository_id=uuid4(),
        restic_snapshot_id=snapshot,
        target_folder=str(place / "target"),
        policy=ConflictPolicy.REFUSE,
    )
    outcome = await work.run(body)
    assert outcome.result is CommandResult.SUCCEEDED, outcome.problem
    assert outcome.restore is not None
    assert outcome.restore.owners_not_restored == 0
    assert work.warnings() == []
    restored = Path(f"{place}/target{place}/source")
    assert (restored / "1").stat().st_uid == NOBODY
    assert (restored / "1").stat().st_gid == SOMEBODY
    assert (restored / "2").stat().st_uid == SOMEBODY


def test_root_may_give_files_away() -> None:
    assert platform.owner_stays(SOMEBODY, SOMEBODY)
