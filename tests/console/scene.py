"""What there is to see in the console: a machine with files of all kinds of names, and a run of each kind."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.console.pages import fresh
from tests.harness.installation import Agent, Installation

# Beside what other tests back up.
FOLDER = "Общее"
# Names that a page, an address or a header could spoil.
REPORT = "Отчёты за год/Отчёт № 7 (копия).txt"
SMILE = "Отчёты за год/📁 снимки/улыбка 🙂.bin"
PERCENT = "100% точно & верно?#+.txt"
PLAIN = "смета.txt"
NOT_UTF8 = b"\xf3\xf1\xf2\xe0\xf0\xe5\xeb\xee.txt"


@dataclass(frozen=True, slots=True)
class Scene:
    """Runs and jobs are as the API gave them. `good` has `snapshot_id`; all names of objects are Russian."""

    agent: Agent
    documents: Path
    repository: dict[str, Any]
    job: dict[str, Any]
    good: dict[str, Any]
    warned: dict[str, Any]
    closed: tuple[Path, ...]
    broken: dict[str, Any]
    failed: dict[str, Any]
    restored: dict[str, Any]

    @property
    def snapshot(self) -> str:
        return str(self.good["snapshot_id"])

    def original(self, name: str) -> Path:
        return self.documents / name


def build(installation: Installation, agent: Agent) -> Scene:
    """Backs up, fails and restores once each, with the real agent."""
    installation.api.patch(f"/agents/{agent.id}", {"name": fresh("Бухгалтерия")})
    place = fresh("Хранилище")
    path = installation.data_dir / "storage" / place
    repository = installation.api.post("/repositories", {"name": place, "path": str(path)})
    documents = _files(agent)
    common = {"repository_ids": [repository["id"]], "time_zone": "Europe/Moscow"}
    job = installation.job(agent.id, [documents], name=fresh("Документы"), cron="0 22 * * MON-FRI", **common)
    good = installation.back_up(job)
    closed = tuple(
        agent.write(f"{FOLDER}/{name}", b"closed") for name in ("закрыто/касса.db", "закрыто/почта.db")
    )
    for file in closed:
        file.chmod(0)
    warned = installation.back_up(job)
    for file in closed:
        file.chmod(0o600)
    broken = installation.job(agent.id, [agent.folder / "нет такой папки"], name=fresh("Архив"), **common)
    failed = installation.back_up(broken)
    restored = installation.restore(good, agent.folder / "возвращено", "skip")
    ended = [run["state"] for run in (good, warned, failed, restored)]
    assert ended == ["succeeded", "completed_with_warnings", "failed", "succeeded"], ended
    return Scene(agent, documents, repository, job, good, warned, closed, broken, failed, restored)


def _files(agent: Agent) -> Path:
    agent.write(f"{FOLDER}/{REPORT}", "Всё сошлось.\n".encode())
    agent.write(f"{FOLDER}/{SMILE}", os.urandom(70_000))
    agent.write(f"{FOLDER}/{PERCENT}", b"x" * 1000)
    plain = agent.write(f"{FOLDER}/{PLAIN}", b"1;2;3\n")
    with open(os.path.join(os.fsencode(plain.parent), NOT_UTF8), "wb") as file:  # noqa: PTH118, PTH123 - a path is text
        file.write(b"old")
    agent.give(plain.parent)
    return plain.parent
