"""A disk that is really full, behind the real gateway: what our way of running restic makes of it."""

import asyncio
import contextlib
import hashlib
import os
import select
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr

from sbs_restic.cli import Outcome, Repository, Runner
from sbs_restic.cli.commands import backup, snapshots
from sbs_restic.cli.errors import InterruptedRunError, RepositoryFullError
from sbs_restic.cli.messages import BackupStatus
from sbs_server.testing.gateway import PASSWORD, Agent, Options, Stage, wait_for
from sbs_server.testing.restic import restic_runner

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


@dataclass
class Bare:
    """A repository on a disk of its own, spoken to without restic."""

    disk: Path
    stage: Stage
    agent: Agent
    repository: UUID

    def begin(self, kind: str, content: bytes) -> socket.socket:
        """An upload of which half is still to come; the gateway has said nothing yet, or that there is no room."""
        given = "".join(f"{name}: {value}\r\n" for name, value in self.agent.headers.items())
        name = hashlib.sha256(content).hexdigest()
        head = (
            f"POST /restic/{self.repository.hex}/{kind}/{name} HTTP/1.1\r\nHost: gateway\r\n{given}"
            f"Connection: close\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        connection = socket.create_connection(("127.0.0.1", self.stage.port), 60)
        connection.sendall(head.encode() + content[: len(content) // 2])
        return connection

    def post(self, kind: str, content: bytes) -> httpx.Response:
        name = hashlib.sha256(content).hexdigest()
        url = self.stage.url(self.repository, f"{kind}/{name}")
        return httpx.post(url, headers=self.agent.headers, content=content, timeout=60)

    @property
    def free_bytes(self) -> int:
        status = os.statvfs(self.disk)
        return status.f_bavail * status.f_frsize


@pytest.fixture
def bare(disk: Path, new_stage: Callable[[Options], Stage]) -> Bare:
    stage = new_stage(Options(roots=[disk]))
    agent = stage.agent()
    return Bare(disk, stage, agent, stage.repository(agent, disk))


def finish(connection: socket.socket, rest: bytes) -> int:
    """The status of the answer to an upload that is sent to its end."""
    with connection, contextlib.suppress(ConnectionError):
        connection.sendall(rest)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
        return int(answer.split(b" ", 2)[1])
    return 507  # refused and hung up on, before all was sent


@pytest.mark.root
def test_uploads_side_by_side_can_not_eat_what_is_kept_for_locks(bare: Bare) -> None:
    """Together they want more than there is, and each of them would fit: those that began first are kept a place."""
    contents = [os.urandom(3 * MIB) for _ in range(8)]
    begun = [bare.begin("data", content) for content in contents]
    # 12 MiB, one of them kept, and what the repository itself takes: there is room for three.
    wait_for(lambda: len(select.select(begun, [], [], 0)[0]) == 5, "the refusals of those without a place")
    with ThreadPoolExecutor(len(begun)) as threads:
        halves = [content[len(content) // 2 :] for content in contents]
        answers = list(threads.map(finish, begun, halves))
    assert sorted(set(answers)) == [200, 507]
    assert answers.count(200) == 3
    assert bare.free_bytes >= MIB
    assert bare.post("locks", os.urandom(600)).status_code == 200


@pytest.mark.root
def test_the_room_of_uploads_that_broke_off_is_there_for_others(bare: Bare) -> None:
    for _ in range(3):
        begun = [bare.begin("data", os.urandom(3 * MIB)) for _ in range(3)]
        for connection in begun:
            connection.close()

        def fits() -> bool:
            return bare.post("data", b"x" * (bare.free_bytes - 2 * MIB)).status_code == 200

        wait_for(fits, "their places")
        for path in (bare.stage.path(bare.repository) / "data").rglob("*"):
            if path.is_file():
                path.unlink()


@pytest.fixture
def place(disk: Path, new_stage: Callable[[Options], Stage]) -> Place:
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
    return Place(disk, stage.path(repository_id), repository, restic_runner())


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
