"""The stage for all tests of the gateway: started once, a fresh repository for each test."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sbs_restic.cli import find_restic
from sbs_server.testing.gateway import Options, Stage

CHECKOUT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def restic_binary() -> Path:
    places = [CHECKOUT / "var" / "restic", CHECKOUT / "var" / "bin", CHECKOUT / "var" / "cache" / "restic"]
    return find_restic(os.environ.get("SBS_RESTIC"), places).path


@pytest.fixture(scope="session")
def stage(restic_binary: Path) -> Iterator[Stage]:
    """A gateway with Traefik before it."""
    folder = Path(tempfile.mkdtemp(prefix="sbs-gateway-"))
    made = Stage(folder, restic_binary)
    try:
        made.start()
        made.start_traefik()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


@pytest.fixture
def new_stage(restic_binary: Path, tmp_path: Path) -> Iterator[Callable[[Options], Stage]]:
    """Gateways of a test's own, for tests that kill them or need them different."""
    made: list[Stage] = []

    def make(options: Options) -> Stage:
        stage = Stage(tmp_path / f"stage{len(made)}", restic_binary, options)
        made.append(stage)
        stage.start()
        return stage

    yield make
    for stage in made:
        stage.stop()
