"""What one machine does all the time: change files, back them up, restore an old state, compare."""

import os
import random
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demo.api import restore_order
from demo.errors import DemoError
from demo.waiting import until
from tests.harness.installation import Agent, Installation
from tests.harness.witness import contents
from tests.soak.patience import PatientApi

_FILES, _FILE_BYTES = 40, 2 * 2**20
RUN_S = 900
_RESTORE_EVERY = 3
_CONNECT_S, _BRING_BACK_S = 180, 1800


@dataclass
class Diary:
    """What was asked for and what came of it; the verdict is passed on it."""

    backups: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, dict[str, str]] = field(default_factory=dict)  # by run id: digests, as they were then
    restores: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    is_back: bool = False  # the newest state was restored whole, after the last fault


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
                    self._restore_some(api)
        except Exception as error:
            # A thread's end is seen by nobody: the verdict has to hear of it.
            self.diary.wrong.append(f"{self.agent.id} gave up: {error!r}")
            raise
        finally:
            api.close()

    def bring_back(self, api: PatientApi) -> None:
        """After the last fault: restores the newest state until it has come back whole; the diary says so then."""
        done = self._restorable()
        if not done:
            return
        try:
            until(lambda: self._connected(api), _CONNECT_S, f"agent {self.agent.id} to be online", pause_s=1)
            until(lambda: self._restored(api, done[-1]), _BRING_BACK_S, "a restore that succeeds", pause_s=1)
        except DemoError as error:
            self.diary.wrong.append(f"{self.agent.id}: its newest state did not come back: {error}")

    def _connected(self, api: PatientApi) -> bool | None:
        return True if api.get(f"/agents/{self.agent.id}")["connected"] else None

    def _restored(self, api: PatientApi, backup: dict[str, Any]) -> bool | None:
        """None asks for another try. Wrong contents get none: the diary has them."""
        self.diary.is_back = self._restore(api, backup)
        succeeded = self.diary.restores[-1]["state"] == "succeeded"
        return True if succeeded else None

    def _restore(self, api: PatientApi, backup: dict[str, Any]) -> bool:
        """Restores into a fresh folder, which is removed again; whether all came back as it was."""
        target = self.agent.folder / f"restored-{len(self.diary.restores)}"
        order = restore_order(backup["snapshot_id"], self.agent.id, target)
        run = api.ended(api.post("/restores", order)["run"]["id"], RUN_S)
        self.diary.restores.append(run)
        expected = self.diary.files[backup["id"]]
        # The verdict judges the reason of one that did not succeed.
        found = contents(Path(f"{target}{self.documents}")) if run["state"] == "succeeded" else None
        if found not in (None, expected):
            self.diary.wrong.append(f"restore {run['id']} of run {backup['id']} differs")
        if target.exists():
            shutil.rmtree(target)
        return found == expected

    def _restore_some(self, api: PatientApi) -> None:
        if done := self._restorable():
            self._restore(api, self.chance.choice(done))

    def _restorable(self) -> list[dict[str, Any]]:
        return [run for run in self.diary.backups if run["snapshot_id"]]

    def _back_up(self, api: PatientApi) -> None:
        before = contents(self.documents)
        (started,) = api.post(f"/jobs/{self.job['id']}/runs")["items"]
        ended = api.ended(started["id"], RUN_S)
        self.diary.files[ended["id"]] = before
        self.diary.backups.append(ended)

    def _change(self) -> None:
        for number in self.chance.sample(range(_FILES), 8):
            self._write(number)

    def _write(self, number: int) -> None:
        size = self.chance.randrange(1, _FILE_BYTES)
        self.agent.write(f"{number}.bin", os.urandom(size))
