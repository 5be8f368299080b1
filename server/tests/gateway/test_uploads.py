"""New objects: right ones become visible as a whole, everything else leaves nothing."""

import hashlib
import os
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import httpx
import psutil
import pytest

from sbs_server.testing.gateway import Agent, Options, Stage, wait_for

MIB = 1 << 20


@pytest.fixture(scope="module")
def owner(stage: Stage) -> Agent:
    return stage.agent()


@pytest.fixture
def repository(stage: Stage, owner: Agent) -> UUID:
    return stage.repository(owner)


def named(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def post(stage: Stage, agent: Agent, repository: UUID, rest: str, content: bytes) -> httpx.Response:
    return httpx.post(stage.url(repository, rest), headers=agent.headers, content=content, timeout=60)


def files(stage: Stage, repository: UUID) -> set[Path]:
    """Everything in a repository, temporary files included."""
    return {path for path in stage.path(repository).rglob("*") if not path.is_dir()}


def head(agent: Agent, repository: UUID, rest: str, *lines: str) -> bytes:
    """An upload's head, to be continued by hand."""
    given = [f"{name}: {value}" for name, value in agent.headers.items()]
    start = [f"POST /restic/{repository.hex}/{rest} HTTP/1.1", "Host: gateway"]
    return "\r\n".join([*start, *given, *lines, "", ""]).encode()


@pytest.mark.parametrize("kind", ["data", "index", "snapshots", "locks"])
@pytest.mark.parametrize("size", [1, MIB - 1, 3 * MIB + 5])
def test_a_right_object_is_stored_read_only(
    stage: Stage, owner: Agent, repository: UUID, kind: str, size: int
) -> None:
    content = os.urandom(min(size, 64 << 10) if kind == "locks" else size)
    assert post(stage, owner, repository, f"{kind}/{named(content)}", content).status_code == 200
    parent = stage.path(repository) / kind / (named(content)[:2] if kind == "data" else "")
    assert (parent / named(content)).read_bytes() == content
    assert stat.S_IMODE((parent / named(content)).stat().st_mode) == 0o400


def test_a_missing_data_folder_is_made(stage: Stage, owner: Agent, repository: UUID) -> None:
    content = b"first of its folder"
    folder = stage.path(repository) / "data" / named(content)[:2]
    folder.rmdir()
    assert post(stage, owner, repository, f"data/{named(content)}", content).status_code == 200
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("unnamed", [True, False])
def test_content_that_does_not_fit_its_name_is_refused_and_gone(
    new_stage: Callable[[Options], Stage], unnamed: bool
) -> None:
    stage = new_stage(Options(unnamed=unnamed))
    owner = stage.agent()
    repository = stage.repository(owner)
    before = files(stage, repository)
    for size in (0, 10, 5 * MIB):
        answer = post(stage, owner, repository, f"data/{'0' * 64}", os.urandom(size))
        assert answer.status_code == 400
        assert "SHA-256" in answer.json()["detail"]
    assert files(stage, repository) == before
    right = post(stage, owner, repository, f"data/{named(b'right')}", b"right")
    assert right.status_code == 200
    assert len(files(stage, repository)) == len(before) + 1


def test_the_same_upload_again_is_answered_like_the_first(
    stage: Stage, owner: Agent, repository: UUID
) -> None:
    content = os.urandom(2 * MIB)
    address = f"data/{named(content)}"
    assert post(stage, owner, repository, address, content).status_code == 200
    (path,) = (stage.path(repository) / "data").rglob(named(content))
    inode = path.stat().st_ino
    assert post(stage, owner, repository, address, content).status_code == 200
    assert path.stat().st_ino == inode
    assert post(stage, owner, repository, address, b"something else").status_code == 400
    assert path.read_bytes() == content


def test_a_damaged_object_is_not_overwritten(stage: Stage, owner: Agent, repository: UUID) -> None:
    content = b"as it should be"
    folder = stage.path(repository) / "data" / named(content)[:2]
    (folder / named(content)).write_bytes(b"as it is")
    answer = post(stage, owner, repository, f"data/{named(content)}", content)
    assert answer.status_code == 403
    assert "damaged" in answer.json()["detail"]
    assert (folder / named(content)).read_bytes() == b"as it is"


def test_config_and_keys_can_not_be_written(stage: Stage, owner: Agent, repository: UUID) -> None:
    before = files(stage, repository)
    assert post(stage, owner, repository, "config", b"x").status_code == 403
    assert post(stage, owner, repository, f"keys/{named(b'x')}", b"x").status_code == 403
    assert post(stage, owner, repository, "?create=true", b"").status_code == 403
    assert httpx.delete(stage.url(repository, "config"), headers=owner.headers).status_code == 403
    assert files(stage, repository) == before


def test_a_length_is_required_and_limited(stage: Stage, owner: Agent, repository: UUID) -> None:
    chunked = head(owner, repository, f"data/{'0' * 64}", "Transfer-Encoding: chunked")
    assert b" 411 " in stage.raw(chunked + b"1\r\nx\r\n0\r\n\r\n").split(b"\r\n")[0]
    large = stage.raw(head(owner, repository, f"data/{'0' * 64}", f"Content-Length: {(256 << 20) + 1}"))
    assert b" 413 " in large.split(b"\r\n")[0]
    assert b"at most 268435456" in large
    twice = head(
        owner, repository, f"data/{'0' * 64}", "Content-Length: 1", "Content-Length: 1", "Connection: close"
    )
    assert b" 400 " in stage.raw(twice + b"x").split(b"\r\n")[0]


def test_a_repository_without_config_takes_nothing(stage: Stage, owner: Agent, repository: UUID) -> None:
    (stage.path(repository) / "config").unlink()
    before = files(stage, repository)
    answer = post(stage, owner, repository, f"data/{named(b'x')}", b"x")
    assert answer.status_code == 503
    assert files(stage, repository) == before


def test_a_planted_link_is_not_written_through(
    stage: Stage, owner: Agent, repository: UUID, tmp_path: Path
) -> None:
    folder = stage.path(repository) / "data" / named(b"x")[:2]
    folder.rmdir()
    folder.symlink_to(tmp_path)
    assert post(stage, owner, repository, f"data/{named(b'x')}", b"x").status_code == 403
    (stage.path(repository) / "index" / named(b"x")).symlink_to(tmp_path / "outside")
    assert post(stage, owner, repository, f"index/{named(b'x')}", b"x").status_code == 403
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.root
@pytest.mark.parametrize("unnamed", [True, False])
def test_a_full_disk_is_507_and_leaves_nothing(
    new_stage: Callable[[Options], Stage], small_disk: Path, unnamed: bool
) -> None:
    stage = new_stage(Options(unnamed=unnamed, roots=[small_disk]))
    owner = stage.agent()
    repository = stage.repository(owner, small_disk)
    before = files(stage, repository)
    too_much = os.urandom(9 * MIB)
    early = post(stage, owner, repository, f"data/{named(too_much)}", too_much)
    assert early.status_code == 507
    assert "are free" in early.json()["detail"]
    _fill_while_uploading(stage, owner, repository, small_disk)
    assert files(stage, repository) == before
    assert post(stage, owner, repository, f"data/{named(b'fits')}", b"fits").status_code == 200
    stage.stop()


def _fill_while_uploading(stage: Stage, owner: Agent, repository: UUID, disk: Path) -> None:
    """There was room at the beginning; somebody else takes it."""
    content = os.urandom(6 * MIB)
    request = head(owner, repository, f"data/{named(content)}", f"Content-Length: {len(content)}")
    with socket.create_connection(("127.0.0.1", stage.port), 30) as connection:
        connection.sendall(request + content[: 2 * MIB])
        free = _free(disk)
        wait_for(lambda: _free(disk) < free - MIB or free < 7 * MIB, "the first part on the disk")
        (disk / "other").write_bytes(bytes(_free(disk) - 64 * 1024))
        connection.sendall(content[2 * MIB :])
        answer = connection.recv(65536)
    assert b" 507 " in answer.split(b"\r\n")[0]
    (disk / "other").unlink()


def _free(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize


def test_a_file_size_limit_is_507_and_leaves_nothing(new_stage: Callable[[Options], Stage]) -> None:
    stage = new_stage(Options(file_size_limit=2 * MIB))
    owner = stage.agent()
    repository = stage.repository(owner)
    before = files(stage, repository)
    content = os.urandom(3 * MIB)
    assert post(stage, owner, repository, f"data/{named(content)}", content).status_code == 507
    assert files(stage, repository) == before
    assert post(stage, owner, repository, f"data/{named(b'x')}", b"x").status_code == 200


def test_a_client_that_goes_away_leaves_nothing(new_stage: Callable[[Options], Stage]) -> None:
    stage = new_stage(Options(unnamed=False))
    owner = stage.agent()
    repository = stage.repository(owner)
    before = files(stage, repository)
    content = os.urandom(4 * MIB)
    request = head(owner, repository, f"data/{named(content)}", f"Content-Length: {len(content)}")
    with socket.create_connection(("127.0.0.1", stage.port), 30) as connection:
        connection.sendall(request + content[: 2 * MIB])
        wait_for(lambda: files(stage, repository) != before, "the temporary file")
    wait_for(lambda: files(stage, repository) == before, "its end")


def test_a_stalled_upload_is_cut_off(new_stage: Callable[[Options], Stage]) -> None:
    stage = new_stage(Options(idle_s=0.5))
    owner = stage.agent()
    repository = stage.repository(owner)
    before = files(stage, repository)
    answer = stage.raw(head(owner, repository, f"data/{'0' * 64}", "Content-Length: 1000") + b"x")
    assert b" 408 " in answer.split(b"\r\n")[0]
    assert files(stage, repository) == before


@pytest.mark.parametrize("how", ["revoked", "withdrawn"])
def test_an_agent_that_loses_its_right_is_cut_off_in_the_middle_of_an_upload(
    new_stage: Callable[[Options], Stage], how: str
) -> None:
    # Named temporary files show that the upload has begun.
    stage = new_stage(Options(unnamed=False))
    agent, other = stage.agent(), stage.agent()
    repository = stage.repository(agent)
    before = files(stage, repository)
    content = os.urandom(4 * MIB)
    request = head(agent, repository, f"data/{named(content)}", f"Content-Length: {len(content)}")
    with socket.create_connection(("127.0.0.1", stage.port), 30) as connection:
        connection.sendall(request + content[: 2 * MIB])
        wait_for(lambda: files(stage, repository) != before, "the temporary file")
        if how == "revoked":
            stage.revoke(agent)
        else:
            stage.grant(repository, other, stage.path(repository))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 403 " in answer.split(b"\r\n")[0]
    wait_for(lambda: files(stage, repository) == before, "the end of the temporary file")


def test_stopping_lets_a_running_upload_finish(new_stage: Callable[[Options], Stage]) -> None:
    stage = new_stage(Options())
    owner = stage.agent()
    repository = stage.repository(owner)
    content = os.urandom(4 * MIB)
    request = head(owner, repository, f"data/{named(content)}", f"Content-Length: {len(content)}")
    with socket.create_connection(("127.0.0.1", stage.port), 30) as connection:
        connection.sendall(request + content[: 2 * MIB])
        assert stage.process is not None
        stage.process.terminate()
        wait_for(lambda: not _accepts(stage), "the end of new connections")
        connection.sendall(content[2 * MIB :])
        assert b" 200 " in connection.recv(65536).split(b"\r\n")[0]
    assert stage.process.wait(30) == 0
    assert named(content) in {path.name for path in files(stage, repository)}


def _accepts(stage: Stage) -> bool:
    try:
        socket.create_connection(("127.0.0.1", stage.port), 5).close()
    except OSError:
        return False
    return True


def test_memory_stays_bounded_while_a_slow_client_sends_a_large_object(
    stage: Stage, owner: Agent, repository: UUID
) -> None:
    content = os.urandom(MIB) * 200
    assert stage.process is not None
    process = psutil.Process(stage.process.pid)
    before = highest = process.memory_info().rss
    request = head(owner, repository, f"data/{named(content)}", f"Content-Length: {len(content)}")
    with socket.create_connection(("127.0.0.1", stage.port), 30) as connection:
        connection.sendall(request)
        for start in range(0, len(content), MIB):
            connection.sendall(content[start : start + MIB])
            highest = max(highest, process.memory_info().rss)
        assert b" 200 " in connection.recv(65536).split(b"\r\n")[0]
    assert highest - before < 64 * MIB
