"""Backups and restores by a real agent: what happens on disk and in restic is what the platform says."""

import os
from pathlib import Path

import pytest

from demo.waiting import until
from tests.harness.installation import Agent, Installation
from tests.harness.witness import contents, digest, locks, restic_of, snapshots


@pytest.fixture(scope="module")
def documents(agent: Agent) -> Path:
    for number in range(20):
        agent.write(f"folder {number % 3}/file {number}.txt", os.urandom(1000 + number))
    agent.write("Отчёт за год.txt", "содержание".encode())
    return agent.folder / "documents"


def test_a_backup_can_be_restored_byte_for_byte(
    installation: Installation, agent: Agent, documents: Path
) -> None:
    run = installation.back_up(installation.job(agent.id, [documents]))
    assert run["state"] == "succeeded"
    assert run["targets"][0]["restic_snapshot_id"] in snapshots(installation.restic_path(run))
    target = agent.folder / "restored"
    restored = installation.restore(run, target, "refuse")
    assert restored["state"] == "succeeded"
    assert restored["result"]["files_verified"] == 21
    assert contents(Path(f"{target}{documents}")) == contents(documents)


def test_a_file_that_cant_be_read_is_named_and_the_run_is_no_plain_success(
    installation: Installation, agent: Agent
) -> None:
    agent.write("open.txt", b"open")
    locked = agent.write("locked.txt", b"locked")
    locked.chmod(0)
    run = installation.back_up(installation.job(agent.id, [agent.folder / "documents"]))
    locked.chmod(0o600)
    locked.unlink()
    assert (run["state"], run["warnings_total"]) == ("completed_with_warnings", 1)
    warnings = list(installation.api.all(f"/runs/{run['id']}/warnings"))
    assert [(w["path"], w["code"]) for w in warnings] == [(str(locked), "unreadable")]
    snapshot = installation.api.get(f"/snapshots/{run['snapshot_id']}")
    assert snapshot["complete"] is False


def test_a_source_that_does_not_exist_fails_with_that_reason_and_leaves_no_snapshot(
    installation: Installation, agent: Agent
) -> None:
    run = installation.back_up(installation.job(agent.id, [agent.folder / "nowhere"]))
    assert (run["state"], run["error"]["code"]) == ("failed", "source_missing")
    assert len(run["attempts"]) == 1
    assert run["snapshot_id"] is None
    assert snapshots(installation.restic_path(run)) == set()


def test_masks_choose_what_is_backed_up(installation: Installation, agent: Agent) -> None:
    for name in ("taken.txt", "deep/taken.txt", "cache/left out.txt", "left out.log"):
        agent.write(f"masks/{name}", name.encode())
    source = agent.folder / "documents" / "masks"
    chosen = installation.job(agent.id, [source], includes=["*.txt"], excludes=["cache"])
    without = installation.job(agent.id, [source], excludes=["cache", "*.log"])
    for job in (chosen, without):
        run = installation.back_up(job)
        target = agent.folder / f"masks of {job['name']}"
        assert installation.restore(run, target, "refuse")["state"] == "succeeded"
        assert set(contents(Path(f"{target}{source}"))) == {"taken.txt", "deep/taken.txt"}


@pytest.fixture(scope="module")
def one_file(installation: Installation, agent: Agent) -> tuple[dict[str, object], Path]:
    """A run that backed up one file, and that file."""
    file = agent.write("policy/one.txt", b"from the backup")
    return installation.back_up(installation.job(agent.id, [file.parent])), file


@pytest.fixture
def occupied(agent: Agent, one_file: tuple[dict[str, object], Path], request: pytest.FixtureRequest) -> Path:
    """A target folder in which the file's place is taken."""
    target = agent.folder / f"target-{request.node.callspec.id if hasattr(request.node, 'callspec') else 'x'}"
    place = Path(f"{target}{one_file[1]}")
    place.parent.mkdir(parents=True)
    place.write_bytes(b"was here before")
    agent.give(target)
    return place


def _target(place: Path, file: Path) -> Path:
    return Path(str(place).removesuffix(str(file)))


@pytest.mark.parametrize(
    ("policy", "state", "content"),
    [
        ("refuse", "failed", b"was here before"),
        ("skip", "succeeded", b"was here before"),
        ("overwrite", "succeeded", b"from the backup"),
        ("keep_both", "succeeded", b"was here before"),
    ],
)
def test_what_a_restore_does_with_a_file_that_is_already_there(
    installation: Installation,
    one_file: tuple[dict[str, object], Path],
    occupied: Path,
    policy: str,
    state: str,
    content: bytes,
) -> None:
    run, file = one_file
    restored = installation.restore(run, _target(occupied, file), policy)
    assert restored["state"] == state
    assert occupied.read_bytes() == content
    beside = [path for path in occupied.parent.iterdir() if path != occupied]
    assert [path.read_bytes() for path in beside] == ([b"from the backup"] if policy == "keep_both" else [])
    if policy == "refuse":
        assert restored["error"]["code"] == "target_exists"


def test_only_the_chosen_paths_are_restored(
    installation: Installation, agent: Agent, documents: Path
) -> None:
    run = installation.back_up(installation.job(agent.id, [documents]))
    chosen = documents / "folder 1" / "file 4.txt"
    target = agent.folder / "chosen"
    restored = installation.restore(run, target, "refuse", selection=[str(chosen)])
    assert restored["state"] == "succeeded"
    assert contents(target) == {str(chosen)[1:]: digest(chosen)}


def test_keep_last_forgets_the_oldest_in_restic_too(installation: Installation, agent: Agent) -> None:
    agent.write("kept.txt", b"kept")
    job = installation.job(agent.id, [agent.folder / "documents" / "kept.txt"], keep_last=2)
    runs = [installation.back_up(job) for _ in range(3)]
    held = snapshots(installation.restic_path(runs[0]))
    assert held == {run["targets"][0]["restic_snapshot_id"] for run in runs[1:]}
    listed = {s["id"] for s in installation.api.all("/snapshots", job_id=job["id"])}
    assert listed == {run["snapshot_id"] for run in runs[1:]}


def test_a_run_waits_for_an_agent_that_is_away_and_goes_on_when_it_is_back(
    installation: Installation, agent: Agent
) -> None:
    file = agent.write("later.txt", b"later")
    job = installation.job(agent.id, [file])
    agent.stop()
    agent.wait_connected(connected=False)
    run = installation.start(job)

    def waits_for_agent() -> bool | None:
        wait = installation.api.get(f"/runs/{run['id']}")["wait"]
        return True if wait is not None and wait["code"] == "run.waits_agent" else None

    until(waits_for_agent, 30, "the run to wait for its agent")
    agent.start()
    assert installation.ended(run)["state"] == "succeeded"


def test_folders_and_files_of_a_snapshot_can_be_read(
    installation: Installation, agent: Agent, documents: Path
) -> None:
    run = installation.back_up(installation.job(agent.id, [documents]))
    listed = installation.api.all(f"/snapshots/{run['snapshot_id']}/files", path=str(documents))
    assert {entry["name"] for entry in listed} == {entry.name for entry in documents.iterdir()}
    content = installation.api.download(
        f"/snapshots/{run['snapshot_id']}/content", path=str(documents / "Отчёт за год.txt")
    )
    assert content == "содержание".encode()


def test_a_cancelled_run_leaves_no_restic_no_lock_and_no_snapshot(
    installation: Installation, agent: Agent
) -> None:
    for number in range(12):
        agent.write(f"big/{number}", os.urandom(16 * 2**20))
    job = installation.job(agent.id, [agent.folder / "documents" / "big"])
    run = installation.start(job)
    for event, _ in installation.api.events(run["id"]):
        if event == "progress":
            break
    installation.api.post(f"/runs/{run['id']}/cancel")
    ended = installation.ended(run)
    assert ended["state"] == "cancelled"
    assert restic_of(agent, "backup") is None
    path = installation.restic_path(ended)
    assert locks(path) == set()
    assert snapshots(path) == set()
    again = installation.back_up(job)
    assert again["state"] == "succeeded"


def test_a_revoked_agent_is_cut_off(installation: Installation, agent: Agent) -> None:
    """Last in this module: the agent is gone afterwards."""
    installation.api.post(f"/agents/{agent.id}/revoke")
    agent.wait_connected(connected=False)
