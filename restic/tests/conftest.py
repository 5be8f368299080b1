"""A real restic, a real repository, and a runner between them."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from sbs_restic.cli import Located, Repository, Runner, RunnerSettings, find_restic
from sbs_restic.cli.commands import init

PASSWORD = "correct horse 🔑 battery"
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def restic() -> Located:
    """The binary: SBS_RESTIC, PATH, or what scripts/get-restic has put below var/. Without one, tests fail."""
    places = [CHECKOUT / "var" / "bin", CHECKOUT / "var" / "restic"]
    return find_restic(os.environ.get("SBS_RESTIC"), places)


@pytest.fixture(scope="session")
def runner(restic: Located) -> Runner:
    return Runner(RunnerSettings(binary=restic.path))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder that an ordinary user may enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="sbs-restic-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def template(runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An initialised repository, made once: deriving a key takes restic half a second."""
    path = tmp_path_factory.mktemp("template") / "repo"
    asyncio.run(init.run(runner, Repository.local(path, SecretStr(PASSWORD))))
    return path


@pytest.fixture
def repository(template: Path, folder: Path) -> Repository:
    """An empty repository for one test."""
    path = folder / "repo"
    shutil.copytree(template, path)
    return Repository.local(path, SecretStr(PASSWORD))


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that a throttled backup has enough to do with."""
    path = tmp_path_factory.mktemp("large") / "large.bin"
    path.write_bytes(os.urandom(48 * 1024 * 1024))
    return path
