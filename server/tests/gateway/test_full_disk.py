"""A disk that is really full, behind the real gateway: what our way of running restic makes of it."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from sbs_restic.cli import Outcome, Repository, Runner, RunnerSettings
from sbs_restic.cli.commands import backup, snapshots
from sbs_restic.cli.errors import InterruptedRunError, RepositoryFullError
from sbs_restic.cli.messages import BackupStatus
from sbs_server.testing.gateway import PASSWORD, Options, Stage

MIB = 1 << 20


@dataclass
class Place:
    """A repository on a disk of its own, as its agent reaches it."""

    disk: Path
    folder: Path
    repository: Repository
    runner: Runner

    def resize(self, mib: int) -> None:
        """What an operator does who adds storage."""
        command = ["mount", "-o", f"remount,size={mib}m", str(self.disk)]
        subprocess.run(command, check=True)

    def locks(self) -> list[Path]:
        return list((self.folder / "locks").iterdir())


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "none", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture
def place(disk: Path, new_stage: Callable[[Options], Stage], restic_binary: Path) -> Place:
    """`disk` comes first: it is unmounted after the gateway has ended, which holds it open."""
    stage = new_stage(Options(roots=[disk]))
    stage.start_traefik()
    owner = stage.agent()
    repository_id = stage.repository(owner, disk)
    repository = Repository.rest(
        f"https://localhost:{stage.tls_port}/restic/{repository_id.hex}/",
        SecretStr(PASSWORD),
        cacert=stage.folder / "root.crt",
        client_cert=owner.pem,
    )
    return Place(disk, stage.path(repository_id), repository, Runner(RunnerSettings(binary=restic_binary)))


@pytest.fixture
def request_(tmp_path: Path) -> backup.BackupRequest:
    """More than there is room for."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "big").write_bytes(os.urandom(20 * MIB))
    return backup.BackupRequest(sources=(str(source),), host="machine")


@pytest.mark.root
async def test_a_full_disk_ends_the_backup_as_that_and_with_more_room_it_succeeds(
    place: Place, request_: backup.BackupRequest
) -> None:
    with pytest.raises(RepositoryFullError) as caught:
        await backup.run(place.runner, place.repository, request_)
    assert caught.value.outcome is Outcome.REPOSITORY_FULL
    assert caught.value.retryable
    assert "507" in str(caught.value)
    assert place.locks() == []
    place.resize(64)
    done = await backup.run(place.runner, place.repository, request_)
    assert done.summary.total_bytes_processed == 20 * MIB


@pytest.mark.root
async def test_what_lies_on_a_full_disk_can_still_be_read(
    place: Place, request_: backup.BackupRequest, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.write_bytes(b"content")
    first = backup.BackupRequest(sources=(str(small),), host="machine")
    await backup.run(place.runner, place.repository, first)
    with pytest.raises(RepositoryFullError):
        await backup.run(place.runner, place.repository, request_)
    status = os.statvfs(place.disk)
    (place.disk / "other").write_bytes(bytes(max(0, status.f_bavail * status.f_frsize - MIB // 2)))
    # It takes a lock, as a restore does: there is room kept for that.
    assert len(await snapshots.run(place.runner, place.repository)) == 1
    with pytest.raises(RepositoryFullError):
        await backup.run(place.runner, place.repository, request_)


@pytest.mark.root
async def test_somebody_who_stops_it_meanwhile_gets_it_stopped(
    place: Place, request_: backup.BackupRequest
) -> None:
    stop = asyncio.Event()

    def on_status(status: BackupStatus) -> None:
        if status.bytes_done:
            stop.set()

    with pytest.raises(InterruptedRunError):
        await backup.run(place.runner, place.repository, request_, on_status=on_status, stop=stop)
