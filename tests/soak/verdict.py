"""What must be true when it is quiet again: counted in repositories and tables, against what the diaries say."""

from typing import Any

from demo.errors import DemoError
from demo.waiting import until
from tests.harness.installation import Installation
from tests.harness.witness import locks, rows, snapshots
from tests.soak.workload import Machine

# With these a run may give up after all its attempts while there are faults; everything else is a defect.
_ALLOWED_REASONS = {"agent_restarted"}
_LAST_STEPS_S = 60


def verdict(installation: Installation, machines: list[Machine]) -> list[str]:
    """Everything that is wrong, in words; empty is good."""
    wrong = [text for machine in machines for text in machine.diary.wrong]
    for machine in machines:
        wrong += _runs(machine)
        if not machine.diary.is_back:
            wrong.append(f"{machine.agent.id}: its newest state was not restored whole")
        wrong += _repository(installation, machine)
    return wrong + _left_over(installation)


def _runs(machine: Machine) -> list[str]:
    wrong = []
    for run in (*machine.diary.backups, *machine.diary.restores):
        if run["state"] == "succeeded":
            continue
        reason = (run["error"] or {}).get("code")
        if run["state"] != "failed" or reason not in _ALLOWED_REASONS:
            wrong.append(f"{run['kind']} {run['id']} ended {run['state']}: {run['error']}")
    return wrong


def _repository(installation: Installation, machine: Machine) -> list[str]:
    """Each successful run has its one snapshot, none is left over, and no lock is."""
    done = [run for run in machine.diary.backups if run["state"] == "succeeded"]
    if not done:
        return [f"{machine.agent.id} has no successful backup"]
    path = installation.restic_path(done[0])
    expected = {run["targets"][0]["restic_snapshot_id"] for run in done}
    wrong = []
    if len(expected) != len(done):
        wrong.append(f"{machine.agent.id}: {len(done)} runs, but {len(expected)} snapshots")
    if snapshots(path) != expected:
        wrong.append(
            f"{machine.agent.id}: in the repository and not in the runs: {snapshots(path) - expected},"
            f" in the runs and not in the repository: {expected - snapshots(path)}"
        )
    if locks(path):
        wrong.append(f"{machine.agent.id}: locks are left: {locks(path)}")
    return wrong


def _left_over(installation: Installation) -> list[str]:
    """What should have come to its end; a run's last steps have a minute after its last word."""
    try:
        until(
            lambda: None if _open(installation) else True, _LAST_STEPS_S, "everything to be over", pause_s=1
        )
    except DemoError:
        return _open(installation)
    return []


def _open(installation: Installation) -> list[str]:
    questions: dict[str, str] = {
        "runs that have not ended": "SELECT id FROM run WHERE state IN ('waiting', 'running')",
        "tickets that were not released": "SELECT id FROM admission_ticket WHERE state <> 'released'",
        "commands that are open": "SELECT id FROM command WHERE state <> 'finished'",
        "parked effects": "SELECT id FROM outbox WHERE parked_at IS NOT NULL",
    }
    found: dict[str, list[dict[str, Any]]] = {
        what: rows(installation, query) for what, query in questions.items()
    }
    return [f"{what}: {[str(row['id']) for row in rest]}" for what, rest in found.items() if rest]
