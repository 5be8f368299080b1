"""Forgetting, as far as it is decided before restic begins; that it is done is shown end to end."""

import base64
import os
from pathlib import Path

import pytest
from sqlalchemy import select, update
from temporalio.testing import ActivityEnvironment

from sbs_restic.cli import Runner, RunnerSettings, find_restic
from sbs_server.backups.types import ForgetRequest
from sbs_server.kit.db.session import Database
from sbs_server.kit.envelope import Envelope, EnvelopeError
from sbs_server.kit.ids import new_id
from sbs_server.models import (
    CopyState,
    Outbox,
    ResticRepository,
    ResticRepositoryState,
    Run,
    RunKind,
    RunTrigger,
    Snapshot,
    SnapshotCopy,
)
from sbs_server.repositories.keys import SecretStore
from sbs_server.repositories.restic import ResticRepositories
from sbs_server.retention.activities import RetentionActivities, _mark
from sbs_server.testing.database import Tenant, make_tenant


@pytest.fixture
async def tenant(app_database: Database) -> Tenant:
    """With two snapshots, of which one is too many."""
    made = await make_tenant(app_database)
    async with app_database.transaction(made.organization_id) as session:
        await session.execute(update(Run).values(dataset_id=made.dataset_id))
        before = await session.get_one(Snapshot, made.snapshot_id)
        own = {"organization_id": made.organization_id, "agent_id": made.agent_id}
        run = Run(
            **own,
            id=new_id(),
            kind=RunKind.BACKUP,
            trigger=RunTrigger.MANUAL,
            dataset_id=made.dataset_id,
        )
        session.add(run)
        await session.flush()
        values = (
            "dataset_id",
            "taken_at",
            "hostname",
            "paths",
            "files",
            "size_bytes",
            "added_bytes",
            "complete",
        )
        second = Snapshot(
            **own, id=new_id(), run_id=run.id, **{name: getattr(before, name) for name in values}
        )
        session.add(second)
        await session.flush()
        session.add(
            SnapshotCopy(
                organization_id=made.organization_id,
                snapshot_id=second.id,
                restic_repository_id=made.restic_repository_id,
                restic_snapshot_id=second.id.hex * 2,
            )
        )
    return made


async def test_a_quarantined_repository_is_left_to_a_later_run(
    app_database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    async with app_database.transaction(tenant.organization_id) as session:
        repository = await session.get_one(ResticRepository, tenant.restic_repository_id)
        repository.state = ResticRepositoryState.QUARANTINED
    kek = tmp_path / "kek"
    kek.write_text(base64.b64encode(os.urandom(32)).decode())
    runner = Runner(RunnerSettings(binary=find_restic(os.environ.get("SBS_RESTIC")).path))
    repositories = ResticRepositories(app_database, SecretStore(Envelope(kek)), runner, tmp_path)
    activities = RetentionActivities(app_database, repositories, runner)
    request = ForgetRequest(
        tenant.organization_id.hex, tenant.run_id.hex, [tenant.restic_repository_id.hex], 1
    )
    assert await ActivityEnvironment().run(activities.forget, request) == 0
    async with app_database.transaction(tenant.organization_id) as session:
        assert set(await session.scalars(select(SnapshotCopy.state))) == {CopyState.PRESENT}
        repository = await session.get_one(ResticRepository, tenant.restic_repository_id)
        repository.state = ResticRepositoryState.READY
    # The positive control: now it is opened, and the sample's secret is none.
    with pytest.raises(EnvelopeError):
        await ActivityEnvironment().run(activities.forget, request)


async def test_snapshot_is_told_as_forgotten_when_its_last_copy_is_gone(
    tenant: Tenant, app_database: Database, system_database: Database
) -> None:
    async with app_database.transaction(tenant.organization_id) as session:
        copies = select(SnapshotCopy.id).where(SnapshotCopy.snapshot_id == tenant.snapshot_id)
        (copy_id,) = (await session.scalars(copies)).all()
        await _mark(session, tenant.organization_id, tenant.run_id, [copy_id])
    async with system_database.transaction() as session:
        told = select(Outbox.payload).where(Outbox.organization_id == tenant.organization_id)
        (payload,) = (await session.scalars(told)).all()
    assert payload["type"] == "snapshot.forgotten.v1"
    assert payload["data"] == {"snapshot_id": tenant.snapshot_id.hex, "agent_id": tenant.agent_id.hex}
