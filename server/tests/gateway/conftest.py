"""The stage for all tests of the gateway: started once, a fresh repository for each test."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sbs_server.testing.gateway import Options, Stage
from sbs_server.testing.restic import restic_binary


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """A gateway with Traefik before it."""
    folder = Path(tempfile.mkdtemp(prefix="sbs-gateway-"))
    made = Stage(folder, restic_binary())
    try:
        made.start()
        made.start_traefik()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


@pytest.fixture
def new_stage(tmp_path: Path) -> Iterator[Callable[[Options], Stage]]:
    """Gateways of a test's own, for tests that kill them or need them different."""
    made: list[Stage] = []

    def make(options: Options) -> Stage:
        stage = Stage(tmp_path / f"stage{len(made)}", restic_binary(), options)
        made.append(stage)
        stage.start()
        return stage

    yield make
    for stage in made:
        stage.stop()
