"""What one machine does all the time: change files, back them up, restore an old state, compare."""

import hashlib
import os
import random
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.harness.installation import Agent, Installation
from tests.soak.patience import PatientApi

_FILES, _FILE_BYTES = 40, 2 * 2**20
_RUN_S = 900
_RESTORE_EVERY = 3

Manifest = dict[str, str]


@dataclass
class Diary:
    """What was asked for and what came of it; the verdict is passed on it."""

    backups: list[dict[str, Any]] = field(default_factory=list)
    manifests: dict[str, Manifest] = field(default_factory=dict)  # by run id: the files as they were
    restores: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


@dataclass
class Machine:
    """One agent with one job. `work` goes on until it is told to stop, then ends after the run at hand."""

    agent: Agent
    installation: Installation
    chance: random.Random
    diary: Diary = field(default_factory=Diary)
    job: dict[str, Any] = field(default_factory=dict)

    @property
    def documents(self) -> Path:
        return self.agent.folder / "documents"

    def prepare(self) -> None:
        for number in range(_FILES):
            self._write(number)
        self.job = self.installation.job(self.agent.id, [self.documents])

    def work(self, stop: threading.Event) -> None:
        api = PatientApi(self.installation)
        try:
            while not stop.is_set():
                self._change()
                self._back_up(api)
                if self.chance.randrange(_RESTORE_EVERY) == 0:
                    self.restore(api, self._some_backup())
        except Exception as error:
            # A thread's end is seen by nobody: the verdict has to hear of it.
            self.diary.wrong.append(f"{self.agent.id} gave up: {error!r}")
            raise
        finally:
            api.close()

    def restore(self, api: PatientApi, backup: dict[str, Any] | None) -> None:
        """Restores a backup into a fresh folder, compares it with what was there then, and removes it again."""
        if backup is None:
            return
        target = self.agent.folder / f"restored-{len(self.diary.restores)}"
        body = {
            "snapshot_id": backup["snapshot_id"],
            "agent_id": self.agent.id,
            "target_folder": str(target),
            "policy": "refuse",
        }
        run = api.ended(api.post("/restores", body)["run"]["id"], _RUN_S)
        self.diary.restores.append(run)
        if run["state"] == "succeeded":
            found = manifest(Path(f"{target}{self.documents}"))
            if found != self.diary.manifests[backup["id"]]:
                self.diary.wrong.append(f"restore {run['id']} of run {backup['id']} differs")
        shutil.rmtree(target, ignore_errors=True)

    def _back_up(self, api: PatientApi) -> None:
        before = manifest(self.documents)
        (started,) = api.post(f"/jobs/{self.job['id']}/runs")["items"]
        ended = api.ended(started["id"], _RUN_S)
        self.diary.manifests[ended["id"]] = before
        self.diary.backups.append(ended)

    def _some_backup(self) -> dict[str, Any] | None:
        done = [run for run in self.diary.backups if run["snapshot_id"]]
        return self.chance.choice(done) if done else None

    def _change(self) -> None:
        for number in self.chance.sample(range(_FILES), 8):
            self._write(number)

    def _write(self, number: int) -> None:
        size = self.chance.randrange(1, _FILE_BYTES)
        self.agent.write(f"{number}.bin", os.urandom(size))


def manifest(folder: Path) -> Manifest:
    """SHA-256 of each file by its path below the folder; empty if there is none."""
    files = [entry for entry in folder.rglob("*") if entry.is_file()]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
