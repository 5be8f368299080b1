"""What is true outside of the platform's own words: processes, files of repositories, rows."""

import asyncio
import hashlib
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import text

from demo.waiting import until
from sbs_server.kit.db.session import Database
from tests.harness.installation import Agent, Installation


def restic_of(agent: Agent, command: str) -> psutil.Process | None:
    """The restic that this agent's process has started for `command` and that is alive."""
    assert agent.process is not None
    for child in psutil.Process(agent.process.pid).children(recursive=True):
        try:
            started = "restic" in Path(child.exe()).name and child.cmdline()[1:2] == [command]
            if started and child.status() != psutil.STATUS_ZOMBIE:
                return child
        except psutil.Error:
            continue
    return None


def component(installation: Installation, name: str) -> psutil.Process:
    """The process of a component, from the supervisor's note about it."""
    note = json.loads((installation.data_dir / "run" / f"{name}.json").read_text())
    return psutil.Process(note["pid"])


@contextmanager
def standing_still(process: psutil.Process) -> Iterator[None]:
    """The process does nothing while the block runs; it may be killed there."""
    process.suspend()
    try:
        until(lambda: True if process.status() == psutil.STATUS_STOPPED else None, 5, "it to stand still")
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def kill(installation: Installation, name: str) -> psutil.Process:
    """kill -9 of a component; gives back the one that is gone."""
    found = component(installation, name)
    found.send_signal(signal.SIGKILL)
    return found


def wait_for_another(installation: Installation, name: str, killed: psutil.Process) -> None:
    """Until the supervisor has started the component again."""

    def replaced() -> bool | None:
        try:
            return True if component(installation, name).pid != killed.pid else None
        except (psutil.NoSuchProcess, OSError, ValueError):
            return None

    until(replaced, 60, f"{name} to be started again")


def digest(file: Path) -> str:
    """SHA-256 of a file's contents."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def contents(folder: Path) -> dict[str, str]:
    """The digest of each file below a folder, by its path there; empty if there is no such folder."""
    files = [entry for entry in folder.rglob("*") if entry.is_file()]
    return {str(file.relative_to(folder)): digest(file) for file in files}


def snapshots(repository: Path) -> set[str]:
    return {entry.name for entry in (repository / "snapshots").iterdir()}


def locks(repository: Path) -> set[str]:
    return {entry.name for entry in (repository / "locks").iterdir()}


def rows(installation: Installation, query: str, **values: Any) -> list[dict[str, Any]]:
    """The result of a query as the role that sees all organizations' rows of the named jobs."""

    async def ask() -> list[dict[str, Any]]:
        database = Database(installation.services.settings.database.url("sbs_migrator"))
        try:
            async with database.transaction() as session:
                return [dict(row) for row in (await session.execute(text(query), values)).mappings()]
        finally:
            await database.close()

    return asyncio.run(ask())


def processes_of(agent: Agent, name: str) -> list[int]:
    """Pids of programs of this name that were given something of this machine's; orphans would show here."""
    folder = str(agent.folder)
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        words = process.info["cmdline"] or ()
        if process.info["name"] == name and any(folder in word for word in words):
            found.append(process.pid)
    return found
