"""restic as somebody uses it without us: its own command line, environment and cache."""

import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.processes import Usage, run_measured
from demo.machine import Person

PASSWORD = "bench"
TOO_LITTLE = "the backup was over before restic said anything: give it more to read (--read-mib)"


@dataclass(frozen=True, slots=True)
class Place:
    """A restic repository as restic is told of it. The password is in a file of its user's."""

    location: str
    password_file: Path
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BareRestic:
    """Runs as `person`; caches and passwords lie in `folder`, which is theirs."""

    binary: Path
    person: Person
    folder: Path

    def place(self, location: str, password: str, options: tuple[str, ...] = ()) -> Place:
        """Keeps the password where only the person can read it."""
        file = self.folder / f"password-{uuid.uuid4().hex}"
        file.touch(mode=0o600)
        file.write_text(password)
        if os.getuid() == 0:
            os.chown(file, self.person.uid, self.person.gid)
        return Place(location, file, options)

    def fresh_local(self, storage: Path | None = None) -> Place:
        """A new repository on a local path, below `storage` or the folder; its password is PASSWORD."""
        place = self.place(str((storage or self.folder) / uuid.uuid4().hex), PASSWORD)
        self.run(place, ["init"])
        return place

    def run(self, place: Place, words: Iterable[object], servers: Iterable[int] = ()) -> Usage:
        """One command to its end, without a terminal. Errors: BenchError, if restic fails."""
        how = {"stdout": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
        return run_measured(self._command(place, words), servers, **how, **self._surroundings(place))

    def latest(self, place: Place) -> str:
        """The id of the newest snapshot."""
        command = self._command(place, ["snapshots", "--json", "latest"])
        answer = subprocess.check_output(command, **self._surroundings(place))  # type: ignore[call-overload]  # by kind
        return str(json.loads(answer)[0]["id"])

    def first_status(self, place: Place, words: Iterable[object]) -> float:
        """Seconds until restic's first progress message; then the command is let run to its end."""
        command = self._command(place, ["--json", *words])
        started, found = time.perf_counter(), None
        process = subprocess.Popen(  # type: ignore[call-overload]  # by kind
            command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, **self._surroundings(place)
        )
        with process:
            for line in process.stdout:
                if found is None and json.loads(line).get("message_type") == "status":
                    found = time.perf_counter() - started
        if process.returncode:
            raise BenchError(f"restic ended with {process.returncode}")
        if found is None:
            raise BenchError(TOO_LITTLE)
        return found

    def forget(self, place: Place) -> None:
        """Removes what was kept of a place on this machine: password, cache, a local repository."""
        place.password_file.unlink()
        shutil.rmtree(self._cache(place), ignore_errors=True)
        if not place.location.startswith("rest:"):
            shutil.rmtree(place.location)

    def _command(self, place: Place, words: Iterable[object]) -> list[str]:
        head = [self.binary, "-r", place.location, "-p", place.password_file, *place.options]
        return [str(part) for part in [*head, *words]]

    def _surroundings(self, place: Place) -> dict[str, object]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "RESTIC_CACHE_DIR": str(self._cache(place)),
            "RESTIC_PROGRESS_FPS": "10",  # as our agent has it, or one side would speak sooner
        }
        return {"env": environment, "cwd": self.folder, **self.person.options()}

    def _cache(self, place: Place) -> Path:
        return self.folder / f"cache-{place.password_file.name}"
