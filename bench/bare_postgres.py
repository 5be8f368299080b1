"""PostgreSQL alone, from the same binaries: what starting and idling cost where nothing of ours runs."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.ports import free_port
from bench.processes import memory_of_tree, seconds_of
from demo.machine import Person
from sbs_server.embedded.binaries import postgres
from tests.harness.folder import temporary_folder


@dataclass(frozen=True, slots=True)
class BarePostgres:
    """A cluster in a folder of its own; it refuses to be root's, so it is the ordinary user's."""

    folder: Path
    person: Person
    port: int

    def initialise(self) -> float:
        """initdb; gives back seconds."""
        return self._run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale")

    def start(self) -> float:
        """Until it takes connections; gives back seconds."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        return self._run("pg_ctl", "start", "--wait", "--log", str(self.folder / "log"), "--options", options)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "--wait", "--mode=fast")

    def memory(self) -> int:
        """Bytes of all of its processes."""
        return memory_of_tree(int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0]))

    def _run(self, program: str, *words: str) -> float:
        command = [str(postgres(program)), *words, "--pgdata", str(self.folder / "data")]
        how = {"stdout": subprocess.DEVNULL, "cwd": self.folder, **self.person.options()}
        return seconds_of(lambda: subprocess.run(command, check=True, **how))  # type: ignore[call-overload]  # by kind


@contextmanager
def bare_postgres() -> Iterator[BarePostgres]:
    """Nothing runs and nothing is initialised yet; at the end its folder is gone, and it has to be stopped."""
    person = Person.choose()
    with temporary_folder("postgres") as folder:
        yield BarePostgres(person.own(folder), person, free_port())
