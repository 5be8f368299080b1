"""Restoring to another machine of the organization, by real agents, also when the first one's agent is no more."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.installation import Agent, Installation, enrolled
from tests.harness.witness import contents, locks


@pytest.fixture
def other(installation: Installation) -> Iterator[Agent]:
    with enrolled(installation) as made:
        yield made


def test_what_one_machine_has_backed_up_is_restored_to_another(
    installation: Installation, agent: Agent, other: Agent
) -> None:
    for number in range(5):
        agent.write(f"folder/file {number}.txt", os.urandom(2000 + number))
    documents = agent.folder / "documents"
    before = contents(documents)
    run = installation.back_up(installation.job(agent.id, [documents]))
    assert run["state"] == "succeeded"
    installation.api.post(f"/agents/{agent.id}/revoke")
    agent.wait_connected(connected=False)
    target = other.folder / "restored"
    elsewhere = {**run, "agent_id": other.id}
    restored = installation.restore(elsewhere, target, "refuse", from_other_agent=True)
    assert restored["state"] == "succeeded", restored["error"]
    assert restored["result"]["files_verified"] == 5
    assert contents(Path(f"{target}{documents}")) == before
    path = installation.restic_path(run)
    assert locks(path) == set()
    own = installation.back_up(installation.job(other.id, [target]))
    assert own["state"] == "succeeded"
    assert installation.restic_path(own) != path, "its backups go to its own restic repository"
