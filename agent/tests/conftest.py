"""Fixtures: one certificate authority and one repository template for all tests, the rest for each test."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from sbs_agent.config import StateDirectory
from sbs_agent.enrol import enrol, parse_token
from sbs_agent.testing.agent_process import AgentProcess
from sbs_agent.testing.bus import ControlSide, NatsServer
from sbs_agent.testing.control_plane import ControlPlane, Servers
from sbs_agent.testing.pki import Authority
from sbs_agent.testing.rest_server import RestStore
from sbs_agent.testing.site import Site
from sbs_agent.testing.work import Work
from sbs_restic.cli.commands import init
from sbs_restic.cli.locate import Located, find_restic
from sbs_restic.cli.process import Runner, RunnerSettings
from sbs_restic.cli.repository import Repository

PASSWORD = "a password with spaces"
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def restic() -> Located:
    places = [CHECKOUT / "var" / "restic", CHECKOUT / "var" / "bin", CHECKOUT / "var" / "cache" / "restic"]
    return find_restic(os.environ.get("SBS_RESTIC"), places)


@pytest.fixture(scope="session")
def runner(restic: Located) -> Runner:
    return Runner(RunnerSettings(binary=restic.path))


@pytest.fixture(scope="session")
def template(runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "repo"
    asyncio.run(init.run(runner, Repository.local(path, SecretStr(PASSWORD))))
    return path


@pytest.fixture
def repository_folder(template: Path, tmp_path: Path) -> Path:
    """An empty repository for one test."""
    return Path(shutil.copytree(template, tmp_path / "repo"))


@pytest.fixture
def repository(repository_folder: Path) -> Repository:
    return Repository.local(repository_folder, SecretStr(PASSWORD))


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def site(authority: Authority, repository_folder: Path, tmp_path: Path) -> Iterator[Site]:
    """NATS is made but not started: not every test needs it."""
    folder = tmp_path / "site"
    folder.mkdir()
    root = folder / "root.crt"
    root.write_text(authority.root_pem)
    certificate = authority.server_files(folder)
    nats = NatsServer(folder, certificate, root)
    plane = ControlPlane(authority, RestStore(repository_folder), PASSWORD, nats.url)
    servers = Servers(plane, certificate, root)
    yield Site(plane, servers, nats)
    servers.close()
    nats.kill()


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    return StateDirectory(tmp_path / "state")


@pytest.fixture
async def enrolled(site: Site, state: StateDirectory) -> StateDirectory:
    await enrol(state, site.servers.address, parse_token(site.plane.new_token()))
    return state


@pytest.fixture
async def control(site: Site) -> AsyncIterator[ControlSide]:
    """Not connected yet; NATS runs."""
    site.nats.start()
    side = ControlSide(site.nats, site.plane.agent_id)
    yield side
    await side.close()


@pytest.fixture
def agent(enrolled: StateDirectory, restic: Located) -> Iterator[AgentProcess]:
    process = AgentProcess(enrolled.path, restic.path)
    yield process
    process.close()


@pytest.fixture
def work(tmp_path: Path, runner: Runner, repository: Repository) -> Iterator[Work]:
    made = Work(tmp_path, runner, repository)
    yield made
    made.journal.close()
