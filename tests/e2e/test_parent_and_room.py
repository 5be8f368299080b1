"""What a backup is compared with, how hard it is packed, and what happens when there is no room for it."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from demo.waiting import until
from tests.harness.disk import SmallDisk, small_disk
from tests.harness.installation import Agent, Installation
from tests.harness.witness import locks

_FULL_S = 90
_DISK_BYTES, _MORE_BYTES = 12 << 20, 64 << 20
MIB = 1 << 20


def test_with_include_masks_a_second_backup_reads_only_what_is_new(
    installation: Installation, agent: Agent
) -> None:
    for number in range(10):
        agent.write(f"masked/kept {number}.txt", os.urandom(100_000))
    agent.write("masked/other.bin", b"other")
    job = installation.job(agent.id, [agent.folder / "documents" / "masked"], includes=["*.txt"])
    first = installation.back_up(job)
    assert (first["state"], first["targets"][0]["result"]["files_new"]) == ("succeeded", 10)
    # Not by `agent.write`: it gives all files to the user again, and restic reads those anew.
    (agent.folder / "documents" / "masked" / "kept too.txt").write_bytes(b"new")
    second = installation.back_up(job)["targets"][0]["result"]
    assert (second["files_unmodified"], second["files_new"], second["files_changed"]) == (10, 1, 0)
    assert second["bytes_added"] < 50_000


def test_a_parent_that_somebody_has_removed_from_the_repository_is_no_failure(
    installation: Installation, agent: Agent
) -> None:
    agent.write("orphan/file.txt", b"content")
    job = installation.job(agent.id, [agent.folder / "documents" / "orphan"])
    first = installation.back_up(job)
    for snapshot in (installation.restic_path(first) / "snapshots").iterdir():
        snapshot.unlink()
    shutil.rmtree(agent.machine.state_dir / "cache")  # restic's, where it would still find it
    second = installation.back_up(job)
    assert second["state"] == "succeeded"
    assert second["targets"][0]["result"]["files_new"] == 1
    assert "the snapshot to compare with is gone" in (agent.folder / "agent.log").read_text()


def test_a_job_decides_how_hard_its_data_is_packed(installation: Installation, agent: Agent) -> None:
    agent.write("alike/file.txt", b"the same again and again" * 50_000)
    packed = {}
    for compression in ("off", "max"):
        source = agent.folder / "documents" / "alike"
        job = installation.job(agent.id, [source], compression=compression)
        result = installation.back_up(job)["targets"][0]["result"]
        packed[compression] = result["bytes_added_packed"]
    assert packed["max"] < MIB / 2 < packed["off"]


@pytest.fixture
def disk(installation: Installation) -> Iterator[SmallDisk]:
    """A folder for one repository, the platform's own as its neighbours are."""
    folder = installation.data_dir / "storage" / "small-disk"
    folder.mkdir(mode=0o700)
    owner = folder.parent.stat()
    os.chown(folder, owner.st_uid, owner.st_gid)
    with small_disk(folder, _DISK_BYTES) as made:
        yield made


@pytest.mark.root
def test_a_run_waits_while_its_repository_is_full_and_goes_on_when_there_is_room(
    installation: Installation, agent: Agent, disk: SmallDisk
) -> None:
    agent.write("large/file.bin", os.urandom(20 * MIB))
    source = agent.folder / "documents" / "large"
    repository = installation.api.post("/repositories", {"name": "small", "path": str(disk.folder)})
    job = installation.job(agent.id, [source], repository_ids=[repository["id"]])
    started = installation.start(job)

    def waits() -> dict[str, Any] | None:
        now: dict[str, Any] = installation.api.get(f"/runs/{started['id']}")
        return now if (now["wait"] or {}).get("code") == "run.waits_full" else None

    waiting = until(waits, _FULL_S, "the run to say that its repository is full")
    assert waiting["state"] == "waiting"
    assert waiting["wait"]["retry_at"] is not None
    assert [attempt["error"]["code"] for attempt in waiting["attempts"]] == ["repository_full"]
    assert locks(next((disk.folder / "agents").iterdir())) == set()
    disk.resize(_MORE_BYTES)
    run = installation.ended(started)
    assert (run["state"], len(run["attempts"])) == ("succeeded", 2)
