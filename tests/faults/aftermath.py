"""What must be true after a fault: counted in repositories, folders and tables, not taken on the run's word."""

from pathlib import Path
from typing import Any

from tests.faults.matrix import Cell
from tests.harness.faults import Place
from tests.harness.installation import Installation
from tests.harness.moments import Moment
from tests.harness.witness import contents, locks, rows, snapshots

# The one reason with which an attempt may end early; what is not here must not end one.
_REASONS = {
    "agent": "agent_restarted",
    "restic": "restic_killed",
    "disk": "repository_full",
}
_TENANT_TABLES = ("run", "run_target", "run_attempt", "command", "admission_ticket")


def assert_backed_up(installation: Installation, ended: dict[str, Any]) -> None:
    """One snapshot, in the repository and in the platform; the job has run once."""
    assert ended["state"] == "succeeded", ended["error"]
    assert snapshots(installation.restic_path(ended)) == {ended["targets"][0]["restic_snapshot_id"]}
    listed = list(installation.api.all("/snapshots", job_id=ended["job_id"]))
    assert [snapshot["run_id"] for snapshot in listed] == [ended["id"]]
    assert [run["id"] for run in installation.api.all("/runs", job_id=ended["job_id"], kind="backup")] == [
        ended["id"]
    ]


def assert_restored(ended: dict[str, Any], target: Path, documents: Path) -> None:
    """Every file is there with its contents, each was verified, and nothing else lies beside them."""
    assert ended["state"] == "succeeded", ended["error"]
    expected = {f"{documents}/{name}"[1:]: digest for name, digest in contents(documents).items()}
    assert contents(target) == expected
    assert ended["result"]["files_verified"] == len(expected)


def assert_attempts(ended: dict[str, Any], cell: Cell) -> None:
    """The last attempt succeeded; those before it, if the fault allows any, failed with its true reason."""
    *failed, last = [(a["result"], (a["error"] or {}).get("code")) for a in ended["attempts"]]
    assert last == ("succeeded", None), ended["attempts"]
    assert set(failed) <= {("failed", _REASONS[cell.fault])} if cell.fault in _REASONS else not failed, failed
    # A restore writes nothing to the repository but its lock, perhaps before the disk is full.
    ends_attempts = {"agent", "restic", "disk"} if cell.kind == "backup" else {"agent", "restic"}
    if cell.fault in ends_attempts and cell.moment is not Moment.SUMMARY:
        assert failed, "the fault did not end the attempt"


def assert_nothing_left(place: Place, *runs: dict[str, Any]) -> None:
    """No lock, no live ticket, no open command, no row of these runs in another organization."""
    installation = place.installation
    assert locks(installation.restic_path(runs[0])) == set()
    for run in runs:
        tickets = "SELECT id FROM admission_ticket WHERE run_id = :run AND state <> 'released'"
        assert rows(installation, tickets, run=run["id"]) == []
        commands = "SELECT state FROM command WHERE run_id = :run"
        assert [row["state"] for row in rows(installation, commands, run=run["id"])] == ["finished"]
        for table in _TENANT_TABLES:
            column = "id" if table == "run" else "run_id"
            owners = f"SELECT DISTINCT organization_id FROM {table} WHERE {column} = :run"
            found = {str(row["organization_id"]) for row in rows(installation, owners, run=run["id"])}
            assert found == {installation.api.organization_id}, table
