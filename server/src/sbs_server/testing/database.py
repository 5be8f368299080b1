"""A pytest plugin: the migrated database, as the roles of the application see it, and rows to work on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
import pytest_asyncio

from sbs_server.config import Settings
from sbs_server.kit.db import migrate
from sbs_server.kit.db.session import Database
from sbs_server.kit.ids import new_id
from sbs_server.migrations import scripts
from sbs_server.models import (
    Agent,
    Dataset,
    Job,
    JobAgent,
    JobRepository,
    Organization,
    Repository,
    RepositoryKind,
    RepositoryLayout,
    ResticRepository,
    ResticRepositoryState,
    Run,
    RunKind,
    RunTrigger,
    Secret,
    Snapshot,
    SnapshotCopy,
)
from sbs_server.testing.services import PlatformServices


@pytest.fixture(scope="session")
def migrated(platform_services: PlatformServices) -> Settings:
    """The settings of a platform whose database has every migration."""
    settings = platform_services.settings
    with scripts() as folder:
        asyncio.run(migrate.upgrade(settings.database.url("sbs_owner"), folder))
    return settings


@pytest_asyncio.fixture(scope="session")
async def app_database(migrated: Settings) -> AsyncIterator[Database]:
    """As `sbs_app`: row-level security applies."""
    database = Database(migrated.database.url("sbs_app"), application_name="tests")
    yield database
    await database.close()


@pytest_asyncio.fixture(scope="session")
async def system_database(migrated: Settings) -> AsyncIterator[Database]:
    """As `sbs_system`: the named jobs that cross tenants."""
    database = Database(migrated.database.url("sbs_system"), application_name="tests system")
    yield database
    await database.close()


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organization with one of everything a run needs."""

    organization_id: UUID
    agent_id: UUID
    repository_id: UUID
    restic_repository_id: UUID
    job_id: UUID
    dataset_id: UUID
    run_id: UUID
    snapshot_id: UUID


async def make_tenant(database: Database, *, path: str | None = None) -> Tenant:
    """A fresh organization; `path`: where its repository lies."""
    ids = Tenant(*[new_id() for _ in range(8)])
    organization = ids.organization_id
    async with database.transaction(organization) as session:
        session.add(Organization(id=organization, name=f"organization {organization.hex}"))
        await session.flush()
        session.add_all(_places(ids, path or f"/nonexistent/{organization.hex}"))
        await session.flush()
        secret = Secret(
            organization_id=organization, purpose="test", kek_id="none", wrapped_key=b"", ciphertext=b""
        )
        session.add(secret)
        await session.flush()
        session.add_all(_links(ids, secret.id, path or f"/nonexistent/{organization.hex}"))
        await session.flush()
        session.add_all(_results(ids))
    return ids


def _places(ids: Tenant, path: str) -> list[object]:
    return [
        Agent(
            id=ids.agent_id,
            organization_id=ids.organization_id,
            name="machine",
            hostname="machine",
            os="linux",
            arch="x86_64",
            agent_version="2.5.0",
            protocol_version=1,
        ),
        Repository(
            id=ids.repository_id,
            organization_id=ids.organization_id,
            name="place",
            kind=RepositoryKind.LOCAL,
            layout=RepositoryLayout.PER_AGENT,
            path=path,
        ),
        Job(
            id=ids.job_id,
            organization_id=ids.organization_id,
            name="documents",
            sources=["/srv/documents"],
            keep_last=3,
        ),
    ]


def _links(ids: Tenant, secret_id: UUID, path: str) -> list[object]:
    organization = ids.organization_id
    return [
        JobAgent(organization_id=organization, job_id=ids.job_id, agent_id=ids.agent_id),
        JobRepository(organization_id=organization, job_id=ids.job_id, repository_id=ids.repository_id),
        Dataset(id=ids.dataset_id, organization_id=organization, job_id=ids.job_id, agent_id=ids.agent_id),
        ResticRepository(
            id=ids.restic_repository_id,
            organization_id=organization,
            repository_id=ids.repository_id,
            agent_id=ids.agent_id,
            path=f"{path}/agents/{ids.agent_id.hex}",
            state=ResticRepositoryState.READY,
            cp_secret_id=secret_id,
            agent_secret_id=secret_id,
        ),
        Run(
            id=ids.run_id,
            organization_id=organization,
            kind=RunKind.BACKUP,
            trigger=RunTrigger.MANUAL,
            job_id=ids.job_id,
            agent_id=ids.agent_id,
        ),
    ]


def _results(ids: Tenant) -> list[object]:
    return [
        Snapshot(
            id=ids.snapshot_id,
            organization_id=ids.organization_id,
            dataset_id=ids.dataset_id,
            agent_id=ids.agent_id,
            run_id=ids.run_id,
            taken_at=datetime.now(UTC),
            hostname="machine",
            paths=["/srv/documents"],
            files=1,
            size_bytes=1,
            added_bytes=1,
            complete=True,
        ),
        SnapshotCopy(
            organization_id=ids.organization_id,
            snapshot_id=ids.snapshot_id,
            restic_repository_id=ids.restic_repository_id,
            restic_snapshot_id=ids.snapshot_id.hex * 2,
        ),
    ]
