"""A real platform with a real agent, and the same restic repositories as bare restic can reach them.

What the control plane has made for an agent is opened by bare restic with the agent's certificate and password, so
that both sides use the same gateway, the same TLS and repositories of the same make.
"""

import asyncio
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.bare_restic import BareRestic, Place
from bench.errors import BenchError
from bench.processes import Usage, measured
from demo.api import has_ended
from sbs_server.kit.db.session import Database
from sbs_server.kit.envelope import Envelope
from sbs_server.models import ResticRepository
from sbs_server.repositories.keys import SecretStore
from tests.harness.folder import temporary_folder
from tests.harness.installation import Agent, Installation, enrolled, installed

Event = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Scene:
    """`bare` is restic as the same user as the agent's. Nobody else works on this platform."""

    installation: Installation
    agent: Agent
    bare: BareRestic

    @property
    def folder(self) -> Path:
        """For the files that are backed up, and where they are restored to."""
        return self.agent.folder

    @property
    def servers(self) -> tuple[int, int]:
        """Roots of all processes of the platform, and the agent, which idles while bare restic works."""
        return self.installation.services.process.pid, self.agent.alive().pid

    def files(self, name: str, make: Callable[[Path], object]) -> Path:
        """A folder that `make` fills, readable for the agent's user."""
        folder = self.folder / name
        make(folder)
        self.agent.give(folder)
        return folder

    def ready_repository(self, tiny: Path) -> tuple[str, dict[str, Any]]:
        """Id of a fresh repository in which the agent has its restic repository, and the run that made it.

        restic's init belongs to a machine's first backup, not to every one: `tiny` is backed up once.
        """
        repository = self.installation.repository()
        job = self.installation.job(self.agent.id, [tiny], repository_ids=[repository["id"]])
        return repository["id"], self.carried_out(self.installation.start(job))

    def place(self, run: dict[str, Any]) -> Place:
        """The restic repository that a run has written to, as bare restic reaches it through the gateway."""
        restic_repository = UUID(run["targets"][0]["restic_repository_id"])
        state = self.agent.machine.state_dir
        address = json.loads((state / "agent.json").read_text("utf-8"))["endpoints"]["agent_url"].rstrip("/")
        options = ("--cacert", str(state / "roots.pem"), "--tls-client-cert", str(state / "agent.pem"))
        password = asyncio.run(self._password(restic_repository))
        return self.bare.place(f"rest:{address}/restic/{restic_repository.hex}/", password, options)

    async def _password(self, restic_repository: UUID) -> str:
        settings = self.installation.services.settings
        database = Database(settings.database.url("sbs_app"))
        try:
            async with database.transaction(UUID(self.installation.api.organization_id)) as session:
                row = await session.get(ResticRepository, restic_repository)
                if row is None or row.agent_secret_id is None:
                    raise BenchError(f"the restic repository {restic_repository} has no key of its agent")
                return await SecretStore(Envelope(settings.kek_file)).get(session, row.agent_secret_id)
        finally:
            await database.close()

    def ordered(self, order: Callable[[], dict[str, Any]]) -> Usage:
        """Orders a run; what it took until the control plane says that it has succeeded."""
        platform, agent = self.servers
        os.sync()
        return measured(lambda: self.carried_out(order()), [agent], [platform])

    def unordered(self, place: Place, *words: object) -> Usage:
        """The same work done by bare restic."""
        os.sync()
        return self.bare.run(place, words, self.servers)

    def carried_out(self, run: dict[str, Any]) -> dict[str, Any]:
        """The run as it is at its end, heard on the live stream. Errors: BenchError, if it has not succeeded."""
        for _ in self.events(run):
            pass
        ended: dict[str, Any] = self.installation.api.get(f"/runs/{run['id']}")
        if ended["state"] != "succeeded":
            raise BenchError(f"run {run['id']} ended as {ended['state']}: {ended.get('reason') or ended}")
        return ended

    def events(self, run: dict[str, Any]) -> Iterator[Event]:
        """What the live stream tells, until the run has ended; begun anew when the server ends it early."""
        while True:
            for event, data in self.installation.api.events(run["id"]):
                yield event, data
                if event == "run" and has_ended(data):
                    return

    def drop(self, run: dict[str, Any]) -> None:
        """Removes a restic repository's files, so that the disk holds one round's at a time."""
        shutil.rmtree(self.installation.restic_path(run))

    def fresh_target(self) -> Path:
        """A folder that is not there yet, in the agent's reach."""
        return self.folder / f"restored-{secrets.token_hex(4)}"


@contextmanager
def scene(restic: Path) -> Iterator[Scene]:
    """All of it, in temporary folders; gone at the end."""
    os.environ["SBS_RESTIC"] = str(restic)  # env: the harness takes the same binary as the bare side
    with installed() as installation, enrolled(installation) as agent:
        person = agent.machine.person
        with temporary_folder("bare") as folder:
            yield Scene(installation, agent, BareRestic(restic, person, person.own(folder)))
