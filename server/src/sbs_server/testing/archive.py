"""A real restic repository with one snapshot of a tree that has every kind of name, as some tenant's snapshot.

A conftest.py imports the fixtures by name; they need the plugin `sbs_server.testing.api`.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import update

from sbs_restic.cli import Repository, Runner
from sbs_restic.cli.commands import backup, init
from sbs_restic.cli.commands.backup import BackupRequest
from sbs_server.models import ResticRepository, SnapshotCopy
from sbs_server.snapshots.reader import SnapshotReader
from sbs_server.testing.api import Api, Person
from sbs_server.testing.database import Tenant, make_tenant
from sbs_server.testing.restic import restic_runner

PASSWORD = "a password of the control plane"  # noqa: S105 - of a repository that exists in tests only
BIG_BYTES = 48 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Archive:
    """`tree`: what was backed up; `location`: the restic repository; `snapshot`: restic's id."""

    tree: Path
    location: Path
    snapshot: str
    runner: Runner

    @property
    def repository(self) -> Repository:
        return Repository.local(self.location, SecretStr(PASSWORD))


@pytest_asyncio.fixture(scope="session")
async def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    base = tmp_path_factory.mktemp("archive")
    runner = restic_runner()
    made = Archive(base / "tree", base / "restic", "", runner)
    await asyncio.to_thread(plant, made.tree)
    await init.run(runner, made.repository)
    result = await backup.run(
        runner, made.repository, BackupRequest(sources=(str(made.tree),), host="machine")
    )
    return Archive(made.tree, made.location, result.summary.snapshot_id, runner)


def plant(tree: Path) -> None:
    """Files of every kind that the API may meet."""
    (tree / "many").mkdir(parents=True)
    for number in range(25):
        (tree / "many" / f"f{number:02}").write_text(str(number))
    (tree / "empty folder").mkdir()
    (tree / "empty").touch()
    (tree / 'naïve "plan"; 100%.txt').write_text("письмо")
    (tree / "script").write_text("#!/bin/sh\n")
    (tree / "script").chmod(0o4755)
    (tree / "link").symlink_to("script")
    os.mkfifo(tree / "pipe")
    (tree / "[a]*?").write_text("not a mask")
    (tree / "-rf").write_text("not an option")
    (tree / "big").write_bytes(os.urandom(BIG_BYTES))
    os.mkdir(os.fsencode(tree) + b"/odd\xff")  # noqa: PTH102 - a name that is not UTF-8
    (Path(os.fsdecode(os.fsencode(tree) + b"/odd\xff")) / "inner").write_text("x")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{tree}/s")


@pytest_asyncio.fixture
async def tenant(api: Api, archive: Archive) -> AsyncIterator[Tenant]:
    """An organization whose snapshot is the archive's."""
    before = api.app.state.snapshot_reader
    api.app.state.snapshot_reader = SnapshotReader(lambda: archive.runner)
    made = await make_tenant(api.services.database)
    async with api.services.database.transaction(made.organization_id) as session:
        secret = await api.services.secrets.put(session, made.organization_id, "restic", PASSWORD)
        await session.execute(
            update(ResticRepository)
            .where(ResticRepository.id == made.restic_repository_id)
            .values(path=str(archive.location), cp_secret_id=secret)
        )
        await session.execute(
            update(SnapshotCopy)
            .where(SnapshotCopy.snapshot_id == made.snapshot_id)
            # The id is unique only within a restic repository, and each tenant has one of its own.
            .values(restic_snapshot_id=archive.snapshot)
        )
    yield made
    api.app.state.snapshot_reader = before


@pytest_asyncio.fixture
async def person(api: Api, tenant: Tenant) -> Person:
    """An administrator of that organization."""
    return await api.person(organization_id=tenant.organization_id)
