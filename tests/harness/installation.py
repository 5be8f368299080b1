"""A running platform with an administrator signed in, and machines with real agents."""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

from demo.api import Api, has_ended, restore_order
from demo.errors import DemoError
from demo.machine import Machine, Person
from demo.platform import Platform
from demo.waiting import until
from sbs_restic.cli import find_restic
from sbs_server.embedded.table import COMPONENTS
from sbs_server.testing.services import PlatformServices, start_platform
from tests.harness.folder import temporary_folder

EMAIL = "admin@tests.example"
# What a call meets while a part of the platform is on its way back: no connection, 502, 503, half an answer.
NOT_BACK = (httpx.HTTPError, DemoError, ValueError)
_CONNECT_S = 60
_SETTLE_S = 90
_RUN_S = 170


@dataclass
class Supervised:
    """The running supervisor, and what it takes to start another one on the same data."""

    services: PlatformServices
    settings: Mapping[str, str]

    def kill(self) -> None:
        """kill -9 of the supervisor; whatever it had started goes with it."""
        self.services.process.kill()
        self.services.process.wait()

    def start(self) -> None:
        before = self.services
        self.services = start_platform(before.data_dir, before.components, self.settings)


@dataclass
class Installation:
    """`api` is signed in as the administrator of one organization of its own."""

    supervised: Supervised
    api: Api
    organization: str
    password_file: Path

    @property
    def services(self) -> PlatformServices:
        return self.supervised.services

    @property
    def data_dir(self) -> Path:
        return self.services.data_dir

    @property
    def url(self) -> str:
        return Platform(self.data_dir).console_url

    @property
    def root_certificate(self) -> Path:
        return Platform(self.data_dir).root_certificate

    @property
    def password(self) -> str:
        """The administrator's."""
        return self.password_file.read_text().strip()

    def repository(self, root: Path | None = None) -> dict[str, Any]:
        """A fresh repository below a storage root, by default the platform's own."""
        name = f"place {secrets.token_hex(4)}"
        path = (root or self.data_dir / "storage") / name.replace(" ", "-")
        made: dict[str, Any] = self.api.post("/repositories", {"name": name, "path": str(path)})
        return made

    def job(self, agent_id: str, sources: list[Path], **more: Any) -> dict[str, Any]:
        """A job on one agent, to a fresh repository unless `repository_ids` says otherwise."""
        body: dict[str, Any] = {
            "name": f"job {secrets.token_hex(4)}",
            "sources": [str(source) for source in sources],
            "agent_ids": [agent_id],
            **more,
        }
        body.setdefault("repository_ids", [self.repository()["id"]] if "repository_ids" not in more else [])
        made: dict[str, Any] = self.api.post("/jobs", body)
        return made

    def start(self, job: dict[str, Any]) -> dict[str, Any]:
        """Starts the job's one run."""
        (run,) = self.api.post(f"/jobs/{job['id']}/runs")["items"]
        started: dict[str, Any] = run
        return started

    def back_up(self, job: dict[str, Any]) -> dict[str, Any]:
        """Runs the job to its end."""
        return self.ended(self.start(job))

    def settle(self) -> None:
        """Waits until every component is ready again after a fault, and signs in anew: sessions may be gone."""
        until(self._all_ready, _SETTLE_S, "the platform to be whole again")
        self.let_in(self.api, _SETTLE_S)

    def let_in(self, api: Api, within_s: float) -> None:
        """Signs the administrator in, as soon as the API is there."""

        def signed_in() -> bool | None:
            try:
                api.sign_in(EMAIL, self.password, self.organization)
            except NOT_BACK:
                return None
            return True

        until(signed_in, within_s, "the API to let the administrator in")

    def _all_ready(self) -> bool | None:
        rows = json.loads((self.data_dir / "run" / "state.json").read_text("utf-8"))["components"]
        return True if all(row["state"] in {"ready", "done"} for row in rows) else None

    def ended(self, run: dict[str, Any]) -> dict[str, Any]:
        """The run as it is at its end. A part of the platform may be on its way back meanwhile."""

        def final() -> dict[str, Any] | None:
            try:
                now: dict[str, Any] = self.api.get(f"/runs/{run['id']}")
            except NOT_BACK:
                return None
            return now if has_ended(now) else None

        return until(final, _RUN_S, f"the end of run {run['id']}")

    def restore(self, run: dict[str, Any], target: Path, policy: str, **more: Any) -> dict[str, Any]:
        """Restores what the run backed up, to the end."""
        return self.ended(self.start_restore(run, target, policy, **more))

    def start_restore(self, run: dict[str, Any], target: Path, policy: str, **more: Any) -> dict[str, Any]:
        """Starts to restore what the run backed up; gives the restore's run."""
        order = restore_order(run["snapshot_id"], run["agent_id"], target, policy, **more)
        started: dict[str, Any] = self.api.post("/restores", order)["run"]
        return started

    def restic_path(self, run: dict[str, Any]) -> Path:
        """The folder of the run's restic repository on disk."""
        repository = self.api.get(f"/repositories/{run['targets'][0]['repository_id']}")
        wanted = run["targets"][0]["restic_repository_id"]
        return next(Path(row["path"]) for row in repository["restic_repositories"] if row["id"] == wanted)


@dataclass
class Agent:
    """A machine of an ordinary user with an enrolled agent; `start` and `kill` it as often as a test likes."""

    machine: Machine
    api: Api
    id: str
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def folder(self) -> Path:
        """A folder of the user's, for files to back up and to restore."""
        return self.machine.folder

    def start(self, *, wait: bool = True) -> None:
        self.process = self.machine.start()
        if wait:
            self.wait_connected()

    def wait_connected(self, *, connected: bool = True) -> None:
        def seen() -> bool | None:
            return True if self.api.get(f"/agents/{self.id}")["connected"] is connected else None

        until(seen, _CONNECT_S, f"agent {self.id} to be {'online' if connected else 'offline'}")

    def alive(self) -> psutil.Process:
        """The agent's process. Raises AssertionError when it was not started."""
        assert self.process is not None, "the agent is not running"
        return psutil.Process(self.process.pid)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(40)
            self.process = None

    def kill(self) -> None:
        """kill -9, as by the kernel when memory runs out."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def write(self, name: str, content: bytes) -> Path:
        """A file of the user's below `documents`."""
        path = self.folder / "documents" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.give(self.folder / "documents")
        return path

    def give(self, folder: Path) -> None:
        """Makes a folder and all below it the user's."""
        person = self.machine.person
        for entry in [folder, *folder.rglob("*")]:
            if os.getuid() == 0:
                os.chown(entry, person.uid, person.gid, follow_symlinks=False)


@contextmanager
def installed(
    environment: Mapping[str, str] | None = None, *, more_storage: Sequence[Path] = ()
) -> Iterator[Installation]:
    """The whole platform on ports of its own, with further settings and storage roots; all is gone at the end."""
    names = [component.name for component in COMPONENTS]
    with temporary_folder("e2e") as data_dir:
        roots = json.dumps([str(data_dir / "storage"), *map(str, more_storage)])
        settings = {"SBS_RESTIC": str(_restic()), "SBS_STORAGE__ROOTS": roots, **(environment or {})}
        supervised = Supervised(start_platform(data_dir, names, settings), settings)
        try:
            installation = _administered(supervised, data_dir)
            yield installation
            installation.api.close()
        finally:
            supervised.services.stop()


def _administered(supervised: Supervised, data_dir: Path) -> Installation:
    organization = f"tests {secrets.token_hex(4)}"
    platform, password_file = Platform(data_dir), data_dir / "admin-password"
    password = platform.administrator(password_file, EMAIL, organization)
    api = Api(platform.console_url, str(platform.root_certificate))
    api.sign_in(EMAIL, password, organization)
    return Installation(supervised, api, organization, password_file)


@contextmanager
def enrolled(installation: Installation) -> Iterator[Agent]:
    """A machine whose agent is enrolled and online; stopped at the end."""
    with temporary_folder("machine") as folder:
        person = Person.choose()
        machine = Machine(person, person.own(folder), _restic())
        order = {"name": folder.name, "expires_in_s": 600}
        machine.enrol(installation.url, installation.api.post("/enrolment-tokens", order)["token"])
        agent = Agent(machine, installation.api, machine.agent_id())
        agent.start()
        try:
            yield agent
        finally:
            agent.stop()


def _restic() -> Path:
    return find_restic(os.environ.get("SBS_RESTIC")).path  # env: scripts/run names the project's own
