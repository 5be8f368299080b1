"""Objects and ranges of them, byte for byte; lists; bounded memory."""

import hashlib
import json
import os
import socket
from uuid import UUID

import httpx
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbs_server.gateway.downloads import parse_range
from sbs_server.gateway.errors import RangeUnsatisfiableError
from sbs_server.testing.gateway import Agent, Stage

MIB = 1 << 20
V2 = "application/vnd.x.restic.rest.v2"


@pytest.fixture(scope="module")
def owner(stage: Stage) -> Agent:
    return stage.agent()


@pytest.fixture(scope="module")
def repository(stage: Stage, owner: Agent) -> UUID:
    return stage.repository(owner)


def plant(stage: Stage, repository: UUID, content: bytes, kind: str = "data") -> str:
    name = hashlib.sha256(content).hexdigest()
    folder = stage.path(repository) / kind / (name[:2] if kind == "data" else "")
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return name


@given(st.integers(0, 50), st.integers(0, 60), st.none() | st.integers(0, 60))
def test_a_range_means_the_same_as_a_slice(size: int, start: int, last: int | None) -> None:
    content = bytes(range(size))
    header = b"bytes=%d-%s" % (start, b"" if last is None else b"%d" % last)
    if last is not None and last < start:
        assert not parse_range(header, size).partial
    elif start >= size:
        with pytest.raises(RangeUnsatisfiableError):
            parse_range(header, size)
    else:
        span = parse_range(header, size)
        assert content[span.start : span.stop] == content[start : None if last is None else last + 1]
        assert span.partial


@given(st.integers(1, 50), st.integers(1, 60))
def test_a_suffix_range_means_the_last_bytes(size: int, count: int) -> None:
    span = parse_range(b"bytes=-%d" % count, size)
    assert bytes(range(size))[-count:] == bytes(range(size))[span.start : span.stop]


@given(st.binary(max_size=30))
def test_nonsense_in_a_range_never_gives_a_wrong_part(header: bytes) -> None:
    try:
        span = parse_range(header, 100)
    except RangeUnsatisfiableError:
        return
    assert 0 <= span.start < span.stop <= 100
    assert span.partial or span.length == 100


@pytest.mark.parametrize("header", [b"bytes=0-1,5-6", b"items=0-1", b"bytes=-", b"bytes=a-b", None])
def test_what_is_no_single_range_gives_the_whole(header: bytes | None) -> None:
    assert not parse_range(header, 10).partial


CONTENT = os.urandom(3 * MIB + 17)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, len(CONTENT) - 1), st.integers(0, len(CONTENT)))
def test_a_requested_range_equals_the_files_bytes(
    stage: Stage, owner: Agent, repository: UUID, first: int, length: int
) -> None:
    name = plant(stage, repository, CONTENT)
    headers = {**owner.headers, "Range": f"bytes={first}-{first + length}"}
    answer = httpx.get(stage.url(repository, f"data/{name}"), headers=headers)
    part = CONTENT[first : first + length + 1]
    assert answer.status_code == 206
    assert answer.content == part
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(part) - 1}/{len(CONTENT)}"


def test_a_range_behind_the_end_is_416(stage: Stage, owner: Agent, repository: UUID) -> None:
    name = plant(stage, repository, b"short")
    headers = {**owner.headers, "Range": "bytes=5-"}
    answer = httpx.get(stage.url(repository, f"data/{name}"), headers=headers)
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */5"
    assert "5 bytes" in answer.json()["detail"]


def test_head_tells_the_length_and_a_missing_object_is_404(
    stage: Stage, owner: Agent, repository: UUID
) -> None:
    name = plant(stage, repository, b"some bytes")
    with stage.client(owner) as client:
        head = client.head(stage.url(repository, f"data/{name}"))
        assert (head.status_code, head.headers["content-length"], head.content) == (200, "10", b"")
        assert client.get(stage.url(repository, "config")).status_code == 200
        assert client.get(stage.url(repository, f"keys/{'0' * 64}")).status_code == 404
        assert client.head(stage.url(repository, f"data/{'0' * 64}")).status_code == 404


@pytest.mark.parametrize("kind", ["data", "index", "snapshots", "locks", "keys"])
def test_a_list_names_what_is_there_in_both_versions(stage: Stage, owner: Agent, kind: str) -> None:
    repository = stage.repository(owner)
    for number in range(1200):
        plant(stage, repository, b"%d" % number, kind)
    folder = stage.path(repository) / kind / ("ab" if kind == "data" else "")
    (folder / ("ab" * 31 + "-tmp-1")).write_bytes(b"restic's own temporary file")
    (folder / ("ef" * 32)).symlink_to("/etc/passwd")
    there = {
        file.name: file.stat().st_size
        for file in (stage.path(repository) / kind).rglob("*")
        if len(file.name) == 64 and not file.is_symlink() and file.is_file()
    }
    with stage.client(owner) as client:
        second = client.get(stage.url(repository, f"{kind}/"), headers={"Accept": V2})
        assert second.headers["content-type"] == V2
        assert {item["name"]: item["size"] for item in second.json()} == there
        assert len(second.json()) == len(there)
        first = client.get(stage.url(repository, f"{kind}/"))
        assert first.headers["content-type"] == "application/vnd.x.restic.rest.v1"
        assert set(first.json()) == set(there)


def test_an_empty_folder_is_an_empty_list_but_a_vanished_repository_is_503(
    stage: Stage, owner: Agent
) -> None:
    repository = stage.repository(owner)
    with stage.client(owner) as client:
        assert client.get(stage.url(repository, "locks/")).json() == []
        (stage.path(repository) / "locks").rmdir()
        assert client.get(stage.url(repository, "locks/")).json() == []
        stage.path(repository).rename(stage.path(repository).with_name("unmounted"))
        answer = client.get(stage.url(repository, "locks/"))
        assert answer.status_code == 503
        assert "mounted" in json.loads(answer.content)["detail"]
        stage.path(repository).mkdir()
        assert client.get(stage.url(repository, "snapshots/")).status_code == 503


def test_memory_stays_bounded_while_slow_clients_read_large_objects(
    stage: Stage, owner: Agent, repository: UUID
) -> None:
    content = os.urandom(MIB) * 200
    name = plant(stage, repository, content)
    assert stage.process is not None
    process = psutil.Process(stage.process.pid)
    before = highest = process.memory_info().rss
    request = _get(stage, owner, repository, f"data/{name}")
    clients = [socket.create_connection(("127.0.0.1", stage.port), 30) for _ in range(5)]
    received = bytearray()
    try:
        for client in clients:
            client.sendall(request)
        for _ in range(40):
            parts = [client.recv(65536) for client in clients]
            received += parts[0]
            highest = max(highest, process.memory_info().rss)
        while block := clients[0].recv(MIB):
            received += block
            highest = max(highest, process.memory_info().rss)
    finally:
        for client in clients:
            client.close()
    assert received.partition(b"\r\n\r\n")[2] == content
    assert highest - before < 64 * MIB


def _get(stage: Stage, owner: Agent, repository: UUID, rest: str) -> bytes:
    lines = [f"GET /restic/{repository.hex}/{rest} HTTP/1.1", "Host: gateway", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in owner.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()
