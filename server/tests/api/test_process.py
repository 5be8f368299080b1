"""`sbs api` as a process: real HTTP, real signals."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from sbs_server.kit.http.bodies import LARGEST_BODY_BYTES
from sbs_server.testing.api import PASSWORD, Api, served


@pytest.fixture
async def running(
    api: Api, unused_tcp_port: int, tmp_path: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    async with served(api.services.settings, unused_tcp_port, tmp_path / "log") as process:
        yield process


@pytest.fixture
async def client(
    api: Api, running: asyncio.subprocess.Process, unused_tcp_port: int
) -> AsyncIterator[httpx.AsyncClient]:
    headers = {
        "X-Sbs-Ingress": api.services.settings.http.ingress_secret(),
        "X-Forwarded-For": "192.0.2.77",
        "Host": "console.localhost:8443",
    }
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_tcp_port}", headers=headers) as made:
        yield made


async def test_signs_in_over_real_http_and_logs_no_secret(
    api: Api, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    _, email = await api.account()
    answer = await client.post(
        "/api/v1/session?token=in-the-query", json={"email": email, "password": PASSWORD}
    )
    assert answer.status_code == 201
    assert "server" not in answer.headers
    cookie = answer.headers["set-cookie"].split(";")[0]
    assert (await client.get("/api/v1/session", headers={"Cookie": cookie})).json()["user"]["email"] == email
    log = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    request = next(line for line in lines if line["event"] == "request" and line["method"] == "POST")
    assert (request["status"], request["path"], request["role"]) == (201, "/api/v1/session", "api")
    for secret in (PASSWORD, cookie.split("=")[1], answer.json()["csrf_token"], "in-the-query"):
        assert secret not in log


async def test_chunked_body_beyond_the_limit_is_refused_while_it_comes(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(LARGEST_BODY_BYTES // 65536 + 2):
            yield b" " * 65536

    answer = await client.post(
        "/api/v1/session", content=endless(), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_stops_cleanly_and_finishes_what_is_under_way(
    api: Api,
    running: asyncio.subprocess.Process,
    client: httpx.AsyncClient,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    _, email = await api.account()
    # Hashing takes long enough for the signal to come in the middle of it.
    under_way = asyncio.create_task(
        client.post("/api/v1/session", json={"email": email, "password": PASSWORD})
    )
    key = "throttle:sign-in-address:*"
    async with asyncio.timeout(10):
        while not [entry async for entry in api.services.valkey.scan_iter(key)]:  # noqa: ASYNC110 - in another process
            await asyncio.sleep(0)
    running.send_signal(number)
    assert (await under_way).status_code == 201
    assert await asyncio.wait_for(running.wait(), 20) == 0
    assert json.loads((tmp_path / "log").read_text().splitlines()[-1])["event"] == "stopped"


async def test_missing_secret_file_is_one_line_and_exit_code_2(api: Api, tmp_path: Path) -> None:
    env = {**os.environ, "SBS_DATA_DIR": str(tmp_path / "nothing")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sbs_server.roles.cli",
        "api",
        env=env,
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    _, error = await process.communicate()
    assert process.returncode == 2
    assert error.decode().startswith("sbs api: secret file ")
    assert len(error.splitlines()) == 1
