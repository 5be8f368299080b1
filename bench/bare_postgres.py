"""PostgreSQL alone, from the same binaries: what starting and idling cost where nothing of ours runs."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.gateway_parts import free_port
from bench.processes import memory_of_tree
from demo.machine import Person
from sbs_server.embedded.binaries import postgres


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
        started = time.perf_counter()
        subprocess.run(  # type: ignore[call-overload]  # by kind
            command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self.person.options()
        )
        return time.perf_counter() - started


@contextmanager
def bare_postgres() -> Iterator[BarePostgres]:
    """Nothing runs and nothing is initialised yet; at the end its folder is gone, and it has to be stopped."""
    person = Person.choose()
    folder = person.own(Path(tempfile.mkdtemp(prefix="sbs-postgres-")))
    try:
        yield BarePostgres(folder, person, free_port())
    finally:
        shutil.rmtree(folder)
