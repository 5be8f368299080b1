"""What goes wrong outside of us: each gets its own reason on the run, and nothing is half-done."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.harness.installation import Agent, Installation


@pytest.fixture(scope="module")
def documents(agent: Agent) -> Path:
    return agent.write("file.txt", b"content").parent


def test_a_key_that_no_longer_opens_the_repository_is_named_as_that(
    installation: Installation, agent: Agent, documents: Path
) -> None:
    job = installation.job(agent.id, [documents])
    path = installation.restic_path(installation.back_up(job))
    for key in (path / "keys").iterdir():
        if json.loads(key.read_text())["username"] == "agent":
            key.unlink()
    run = installation.back_up(job)
    assert (run["state"], run["error"]["code"]) == ("failed", "wrong_password")
    assert len(run["attempts"]) == 1


def test_a_repository_that_vanished_is_not_made_anew(
    installation: Installation, agent: Agent, documents: Path
) -> None:
    job = installation.job(agent.id, [documents])
    path = installation.restic_path(installation.back_up(job))
    shutil.rmtree(path)
    run = installation.back_up(job)
    assert (run["state"], run["error"]["code"]) == ("failed", "repository_missing")
    assert not path.exists()


def _doctor(agent: Agent) -> tuple[int, dict[str, dict[str, Any]]]:
    done: subprocess.CompletedProcess[str] = agent.machine.run(["doctor", "--json"])
    said = json.loads(done.stdout)
    return done.returncode, {check["name"]: check for check in said["checks"]}


def test_the_doctor_finds_a_healthy_agent_healthy(agent: Agent) -> None:
    code, checks = _doctor(agent)
    assert code == 0, checks


def test_the_doctor_says_that_a_revoked_certificate_is_refused(
    installation: Installation, agent: Agent
) -> None:
    """Last in this module: the agent is gone afterwards."""
    installation.api.post(f"/agents/{agent.id}/revoke")
    agent.wait_connected(connected=False)
    code, checks = _doctor(agent)
    assert code == 1
    failed = [name for name, check in checks.items() if check["verdict"] == "failed"]
    assert failed, checks
