"""Real supervisors on data directories of their own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from sbs_server.embedded.stopping import down
from sbs_server.testing.services import PlatformServices, start_platform

StartPlatform = Callable[..., PlatformServices]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty folder that ordinary accounts can reach; whatever still runs on it afterwards is stopped."""
    path = Path(tempfile.mkdtemp(prefix="sbs-test-"))
    path.chmod(0o755)
    yield path
    down(path, lambda _: None, patience_s=30)
    shutil.rmtree(path)


@pytest.fixture
def start(data_dir: Path) -> Iterator[StartPlatform]:
    """Start a supervisor on `data_dir` with the named components."""
    started: list[PlatformServices] = []

    def start_components(*components: str, **environment: str) -> PlatformServices:
        names: Sequence[str] = components or ("postgres", "valkey", "nats", "temporal")
        started.append(start_platform(data_dir, names, environment))
        return started[-1]

    yield start_components
    for platform in started:
        if platform.process.poll() is None:
            platform.stop()
