"""kill -9 in the middle of a backup's transfer, with proof that restic was at work at that moment.

The run goes on by itself to its end; afterwards there is one snapshot, no lock, no ticket, and a restore equals
the files.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psutil import Process

from tests.harness.installation import Agent, Installation, enrolled
from tests.harness.witness import (
    kill,
    locks,
    restic_of,
    rows,
    same_user_processes,
    snapshots,
    standing_still,
    wait_for_another,
)

_FILES, _FILE_BYTES = 12, 16 * 2**20
# The quick ones run in `make test`; the others are the supervisor's to restart just the same.
_QUICK = ("worker", "bus", "gateway")
_SLOW = ("api", "nats", "temporal", "postgres", "valkey", "traefik")


@pytest.fixture(scope="module")
def machine(installation: Installation) -> Iterator[Agent]:
    with enrolled(installation) as agent:
        yield agent


@pytest.fixture
def documents(machine: Agent, request: pytest.FixtureRequest) -> Path:
    """Fresh random data for each test: nothing of it is in a repository yet."""
    name = str(request.node.name).replace("[", "-").replace("]", "")
    for number in range(_FILES):
        machine.write(f"{name}/{number}", os.urandom(_FILE_BYTES))
    return machine.folder / "documents" / name


@contextmanager
def _in_the_middle(installation: Installation, machine: Agent, run: dict[str, Any]) -> Iterator[Process]:
    """Waits until bytes flow; restic then stands still, so that it can't have ended before the fault."""
    for event, data in installation.api.events(run["id"]):
        if event == "progress" and data["bytes_done"] > 0:
            break
    restic = restic_of(machine, "backup")
    assert restic is not None, "restic had ended before the fault: the test would prove nothing"
    with standing_still(restic):
        assert snapshots(installation.restic_path(installation.api.get(f"/runs/{run['id']}"))) == set()
        yield restic


def _assert_whole(installation: Installation, machine: Agent, run: dict[str, Any], documents: Path) -> None:
    ended = installation.ended(run)
    assert ended["state"] == "succeeded", ended["error"]
    repository = installation.restic_path(ended)
    assert snapshots(repository) == {ended["targets"][0]["restic_snapshot_id"]}
    assert locks(repository) == set()
    listed = list(installation.api.all("/snapshots", job_id=ended["job_id"]))
    assert [s["run_id"] for s in listed] == [run["id"]]
    live = "SELECT id FROM admission_ticket WHERE run_id = :run AND state <> 'released'"
    assert rows(installation, live, run=run["id"]) == []
    commands = "SELECT state FROM command WHERE run_id = :run"
    assert [row["state"] for row in rows(installation, commands, run=run["id"])] == ["finished"]
    target = machine.folder / f"restored-{documents.name}"
    assert installation.restore(ended, target, "refuse")["state"] == "succeeded"
    assert _digests(Path(f"{target}{documents}")) == _digests(documents)


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.parametrize("name", [*_QUICK, *[pytest.param(name, marks=pytest.mark.slow) for name in _SLOW]])
def test_a_killed_component_does_not_stop_the_run(
    installation: Installation, machine: Agent, documents: Path, name: str
) -> None:
    run = installation.start(installation.job(machine.id, [documents]))
    with _in_the_middle(installation, machine, run):
        killed = kill(installation, name)
    wait_for_another(installation, name, killed)
    installation.settle()
    _assert_whole(installation, machine, run, documents)


def test_a_killed_agent_takes_restic_with_it_and_repeats_the_work(
    installation: Installation, machine: Agent, documents: Path
) -> None:
    run = installation.start(installation.job(machine.id, [documents]))
    with _in_the_middle(installation, machine, run) as restic:
        machine.kill()
    restic.wait(30)
    assert same_user_processes(machine, "restic") == []
    machine.start()
    _assert_whole(installation, machine, run, documents)
    attempts = installation.api.get(f"/runs/{run['id']}")["attempts"]
    reasons = [(a["attempt"], a["result"], (a["error"] or {}).get("code")) for a in attempts]
    assert reasons[0][1:] == ("failed", "agent_restarted")
    assert reasons[-1][1] == "succeeded"
