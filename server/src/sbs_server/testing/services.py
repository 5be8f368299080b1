"""A pytest plugin: real PostgreSQL, Valkey, NATS and Temporal for a test session.

Use it with `pytest_plugins = ["sbs_server.testing.services"]` in a conftest.py; the fixture
`platform_services` starts them once, on ports of their own, and stops them at the end.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from sbs_server.config import Settings
from sbs_server.embedded.roles import SERVERS

_STOP_TIMEOUT_S = 90


@dataclass(frozen=True, slots=True)
class PlatformServices:
    """A running supervisor. `ports` are those of ports.json, `components` what was started."""

    data_dir: Path
    settings: Settings
    components: Sequence[str]
    process: subprocess.Popen[bytes]
    lifeline: int

    @property
    def ports(self) -> Mapping[str, int]:
        ports: dict[str, int] = json.loads((self.data_dir / "ports.json").read_text())
        return ports

    def settings_for(self, role: str) -> Settings:
        """The settings with which the role `role` would run."""
        return Settings.load(self.data_dir, role=role)

    def stop(self) -> int:
        """Stop everything; returns the supervisor's exit code."""
        self.process.terminate()
        return self.process.wait(_STOP_TIMEOUT_S)


def start_platform(
    data_dir: Path, components: Sequence[str], environment: Mapping[str, str] | None = None
) -> PlatformServices:
    """Start a real supervisor on `data_dir` and wait until `components` are ready.

    Public ports are chosen freely. Errors: RuntimeError with what the supervisor said and the end of the log.
    """
    reader, writer = os.pipe()
    # Settings of the shell that runs the tests are not those of the tests.
    env = {name: value for name, value in os.environ.items() if not name.startswith("SBS_")}
    env |= {"SBS_PORT_CONSOLE": "0", "SBS_PORT_AGENTS": "0", "SBS_PORT_NATS": "0", **(environment or {})}
    argv = [sys.executable, "-m", "sbs_server.embedded", "--data-dir", str(data_dir)]
    # Its other side closes with this process, however that ends.
    lifeline, own_side = os.pipe()
    argv += ["--only", ",".join(components), "--progress-fd", str(writer), "--lifeline-fd", str(lifeline)]
    process = subprocess.Popen(argv, env=env, pass_fds=(writer, lifeline), start_new_session=True)
    os.close(writer)
    os.close(lifeline)
    _wait_until_ready(process, reader, data_dir)
    return PlatformServices(data_dir, Settings.load(data_dir), tuple(components), process, own_side)


def _wait_until_ready(process: subprocess.Popen[bytes], reader: int, data_dir: Path) -> None:
    with os.fdopen(reader, encoding="utf-8") as lines:
        for line in lines:
            message = json.loads(line)
            if "ready" in message:
                return
            if "error" in message:
                process.wait(_STOP_TIMEOUT_S)
                raise RuntimeError(f"{message['error']}\n{_tail(data_dir, message['failed'])}")
    raise RuntimeError(
        f"the supervisor ended with {process.wait(_STOP_TIMEOUT_S)}\n{_tail(data_dir, 'supervisor')}"
    )


def _tail(data_dir: Path, component: str | None) -> str:
    log = data_dir / "logs" / f"{component or 'supervisor'}.log"
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:]) if log.exists() else ""


@pytest.fixture(scope="session")
def platform_data_dir() -> Iterator[Path]:
    """A folder that the account `sbs` can reach as well: pytest's own temporary folders are private to root."""
    path = Path(tempfile.mkdtemp(prefix="sbs-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def platform_services(platform_data_dir: Path) -> Iterator[PlatformServices]:
    """PostgreSQL (roles and an empty database `sbs`), Valkey, NATS and Temporal, running."""
    services = start_platform(platform_data_dir, SERVERS)
    try:
        yield services
    finally:
        services.stop()
