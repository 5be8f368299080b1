"""`sbs bus` as a process: it gets ready, comes back with the servers, and ends when it is told to."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sbs_server.config import Settings
from sbs_server.testing.bus import Enrol, connect_agent, eventually


@pytest.fixture
def health_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def process(bus_settings: Settings, health_port: int, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    env = {
        **os.environ,
        "SBS_DATA_DIR": str(bus_settings.data_dir),
        "SBS_DATABASE__NAME": bus_settings.database.name,
        "SBS_HTTP__BUS_HEALTH_PORT": str(health_port),
    }
    with (tmp_path / "bus.log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "sbs_server.roles.cli", "bus"], env=env, stdout=log, stderr=log
        )
        yield running
        running.kill()
        running.wait(10)


async def test_the_role_gets_ready_admits_agents_and_stops_cleanly(
    process: subprocess.Popen[bytes], health_port: int, bus_settings: Settings, enrol: Enrol, tmp_path: Path
) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{health_port}") as client:

        async def ready() -> bool:
            assert process.poll() is None, (tmp_path / "bus.log").read_text()
            try:
                return (await client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually(ready, "the role is ready", within_s=60)
        assert (await client.get("/healthz")).status_code == 200
    async with connect_agent(bus_settings, await enrol()) as connection:
        assert connection.client.is_connected
    process.send_signal(signal.SIGTERM)

    async def ended() -> bool:
        return process.poll() is not None

    await eventually(ended, "the role has ended", within_s=30)
    log = (tmp_path / "bus.log").read_text()
    assert process.returncode == 0, log
    assert "Traceback" not in log
