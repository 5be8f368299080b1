"""The steps of a backup alone: what is believed of what an agent says, and what a run leaves behind."""

import base64
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from temporalio.testing import ActivityEnvironment

from sbs_server.agents.order_types import CommandOutcome
from sbs_server.backups.activities import BackupActivities
from sbs_server.backups.types import BackupOutcomes, BackupPlan, TargetOutcome
from sbs_server.kit.db.session import Database
from sbs_server.kit.envelope import Envelope
from sbs_server.kit.ids import new_id
from sbs_server.kit.workflows import RunRef
from sbs_server.models import (
    Compression,
    CopyState,
    Job,
    JobRepository,
    Outbox,
    Repository,
    RepositoryKind,
    RepositoryLayout,
    ResticRepository,
    Run,
    RunKind,
    RunState,
    RunTarget,
    RunTrigger,
    Snapshot,
    SnapshotCopy,
)
from sbs_server.repositories.keys import SecretStore
from sbs_server.repositories.markers import Marker, write_marker
from sbs_server.repositories.restic import ResticRepositories
from sbs_server.testing.database import Tenant, make_tenant
from sbs_server.testing.restic import restic_runner

SNAPSHOT = "ab" * 32


@pytest.fixture
def activities(app_database: Database, tmp_path: Path) -> BackupActivities:
    kek = tmp_path / "kek"
    kek.write_text(base64.b64encode(os.urandom(32)).decode())
    runner = restic_runner()
    secrets = SecretStore(Envelope(kek))
    return BackupActivities(
        app_database, ResticRepositories(app_database, secrets, runner, tmp_path / "templates")
    )


@pytest.fixture
async def tenant(app_database: Database, tmp_path: Path) -> Tenant:
    """In whose repository lies the file of one snapshot, of a new run that has one target."""
    place = tmp_path / "place"
    made = await make_tenant(app_database, path=str(place))
    folder = place / "agents" / made.agent_id.hex / "snapshots"
    folder.mkdir(parents=True)
    (folder / SNAPSHOT).touch()
    run_id = new_id()
    own = {"organization_id": made.organization_id}
    async with app_database.transaction(made.organization_id) as session:
        session.add(
            Run(
                **own,
                id=run_id,
                kind=RunKind.BACKUP,
                trigger=RunTrigger.MANUAL,
                job_id=made.job_id,
                agent_id=made.agent_id,
                dataset_id=made.dataset_id,
                created_at=datetime.now(UTC) - timedelta(hours=1),
            )
        )
        await session.flush()
        session.add(RunTarget(**own, run_id=run_id, restic_repository_id=made.restic_repository_id))
    return Tenant(**{**{f: getattr(made, f) for f in made.__slots__}, "run_id": run_id})


def _outcomes(tenant: Tenant, finished_at: str, snapshot: str = SNAPSHOT) -> BackupOutcomes:
    numbers = ("files_new", "files_changed", "files_unmodified", "bytes_processed", "bytes_added")
    said: dict[str, Any] = {"snapshot_id": snapshot, **dict.fromkeys(numbers, 1)}
    outcome = CommandOutcome(result="succeeded", backup=said, finished_at=finished_at)
    target = TargetOutcome(tenant.restic_repository_id.hex, outcome)
    return BackupOutcomes(tenant.organization_id.hex, tenant.run_id.hex, [target])


async def _snapshot(database: Database, tenant: Tenant) -> Snapshot:
    async with database.transaction(tenant.organization_id) as session:
        return (await session.scalars(select(Snapshot).where(Snapshot.run_id == tenant.run_id))).one()


async def test_recording_is_repeatable(
    activities: BackupActivities, tenant: Tenant, app_database: Database
) -> None:
    given = _outcomes(tenant, datetime.now(UTC).isoformat())
    for _ in range(2):
        end = await ActivityEnvironment().run(activities.record, given)
        assert (end.state, end.may_forget) == ("succeeded", True)
    async with app_database.transaction(tenant.organization_id) as session:
        copies = select(func.count()).where(SnapshotCopy.restic_snapshot_id == SNAPSHOT)
        assert await session.scalar(copies) == 1


async def test_recorded_snapshot_is_told_once_with_whose_it_is(
    activities: BackupActivities, tenant: Tenant, app_database: Database, system_database: Database
) -> None:
    given = _outcomes(tenant, datetime.now(UTC).isoformat())
    for _ in range(2):
        await ActivityEnvironment().run(activities.record, given)
    snapshot = await _snapshot(app_database, tenant)
    async with system_database.transaction() as session:
        told = select(Outbox.payload).where(Outbox.aggregate == f"snapshot:{snapshot.id.hex}")
        (payload,) = (await session.scalars(told)).all()
    assert payload["type"] == "snapshot.created.v1"
    assert payload["data"] == {
        "snapshot_id": snapshot.id.hex,
        "run_id": tenant.run_id.hex,
        "job_id": tenant.job_id.hex,
        "agent_id": tenant.agent_id.hex,
    }
    async with app_database.transaction(tenant.organization_id) as session:
        query = select(RunTarget.recorded_at).where(RunTarget.run_id == tenant.run_id)
        assert (await session.scalars(query)).one() is not None


@pytest.mark.parametrize("said", ["1970-01-01T00:00:00", "2099-01-01T00:00:00+00:00"])
async def test_an_agents_wrong_clock_does_not_order_snapshots(
    activities: BackupActivities, tenant: Tenant, app_database: Database, said: str
) -> None:
    """Retention keeps the newest: else the one just made would go, or stay for ever."""
    await ActivityEnvironment().run(activities.record, _outcomes(tenant, said))
    now = datetime.now(UTC)
    assert now - timedelta(hours=1, minutes=5) < (await _snapshot(app_database, tenant)).taken_at <= now


async def test_an_agents_right_clock_is_believed(
    activities: BackupActivities, tenant: Tenant, app_database: Database
) -> None:
    said = datetime.now(UTC) - timedelta(minutes=30)
    await ActivityEnvironment().run(activities.record, _outcomes(tenant, said.isoformat()))
    assert (await _snapshot(app_database, tenant)).taken_at == said


async def test_the_snapshot_of_another_run_is_no_success(
    activities: BackupActivities, tenant: Tenant, app_database: Database, tmp_path: Path
) -> None:
    known = tenant.snapshot_id.hex * 2
    (tmp_path / "place" / "agents" / tenant.agent_id.hex / "snapshots" / known).touch()
    given = _outcomes(tenant, datetime.now(UTC).isoformat(), known)
    end = await ActivityEnvironment().run(activities.record, given)
    assert (end.state, end.error_code, end.may_forget) == ("failed", "snapshot_missing", False)
    async with app_database.transaction(tenant.organization_id) as session:
        assert (await session.scalars(select(Snapshot).where(Snapshot.run_id == tenant.run_id))).all() == []


async def _another_repository(database: Database, tenant: Tenant, place: Path) -> UUID:
    """A place of the job that is really there; the first one is not."""
    repository_id = new_id()
    place.mkdir()
    write_marker(place, Marker(repository_id, tenant.organization_id))
    own = {"organization_id": tenant.organization_id}
    async with database.transaction(tenant.organization_id) as session:
        session.add(
            Repository(
                **own,
                id=repository_id,
                name="second",
                kind=RepositoryKind.LOCAL,
                layout=RepositoryLayout.PER_AGENT,
                path=str(place),
            )
        )
        await session.flush()
        session.add(JobRepository(**own, job_id=tenant.job_id, repository_id=repository_id))
    return repository_id


async def _prepared(activities: BackupActivities, tenant: Tenant) -> BackupPlan:
    ref = RunRef(tenant.organization_id.hex, tenant.run_id.hex)
    return await ActivityEnvironment().run(activities.prepare, ref)


async def test_a_repository_that_is_not_mounted_does_not_keep_the_other_from_its_backup(
    activities: BackupActivities, tenant: Tenant, app_database: Database, tmp_path: Path
) -> None:
    alone = await _prepared(activities, tenant)
    assert (alone.problem_code, alone.orders) == ("repository_missing", [])
    second = await _another_repository(app_database, tenant, tmp_path / "second")
    plan = await _prepared(activities, tenant)
    assert plan.problem_code is None
    (refused,) = plan.refused
    assert refused.restic_repository_id == tenant.restic_repository_id.hex
    assert refused.outcome.problem is not None
    assert refused.outcome.problem.code == "repository_missing"
    (order,) = plan.orders
    async with app_database.transaction(tenant.organization_id) as session:
        made = await session.get_one(ResticRepository, UUID(hex=order.restic_repository_id))
    assert made.repository_id == second


async def test_a_run_that_was_given_up_on_does_not_begin(
    activities: BackupActivities, tenant: Tenant, app_database: Database, tmp_path: Path
) -> None:
    await _another_repository(app_database, tenant, tmp_path / "second")
    async with app_database.transaction(tenant.organization_id) as session:
        (await session.get_one(Run, tenant.run_id)).state = RunState.FAILED
    assert (await _prepared(activities, tenant)).problem_code == "run_ended"


def _make_usable(tenant: Tenant, tmp_path: Path) -> None:
    """Makes the tenant's own repository one that is really there."""
    place = tmp_path / "place"
    write_marker(place, Marker(tenant.repository_id, tenant.organization_id))
    (place / "agents" / tenant.agent_id.hex / "config").touch()


async def _backed_up(database: Database, tenant: Tenant, days_ago: int) -> str:
    """One more snapshot of the dataset, with its copy; restic's id of it."""
    run_id, snapshot_id = new_id(), new_id()
    own = {"organization_id": tenant.organization_id}
    whose = {"agent_id": tenant.agent_id, "dataset_id": tenant.dataset_id, "run_id": run_id}
    what = {"hostname": "machine", "paths": [], "files": 1, "size_bytes": 1, "added_bytes": 1}
    async with database.transaction(tenant.organization_id) as session:
        kind = {"kind": RunKind.BACKUP, "trigger": RunTrigger.MANUAL, "job_id": tenant.job_id}
        session.add(Run(**own, **kind, id=run_id, agent_id=tenant.agent_id))
        await session.flush()
        taken_at = datetime.now(UTC) - timedelta(days=days_ago)
        session.add(Snapshot(**own, **whose, **what, id=snapshot_id, taken_at=taken_at, complete=True))
        await session.flush()
        session.add(
            SnapshotCopy(
                **own,
                snapshot_id=snapshot_id,
                restic_repository_id=tenant.restic_repository_id,
                restic_snapshot_id=snapshot_id.hex * 2,
            )
        )
    return snapshot_id.hex * 2


async def test_the_newest_snapshot_that_is_still_there_is_the_parent(
    activities: BackupActivities, tenant: Tenant, app_database: Database, tmp_path: Path
) -> None:
    _make_usable(tenant, tmp_path)
    await _backed_up(app_database, tenant, days_ago=2)
    wanted = await _backed_up(app_database, tenant, days_ago=1)
    async with app_database.transaction(tenant.organization_id) as session:
        newest = SnapshotCopy.snapshot_id == tenant.snapshot_id
        copy = (await session.scalars(select(SnapshotCopy).where(newest))).one()
        copy.state = CopyState.FORGOTTEN
    (order,) = (await _prepared(activities, tenant)).orders
    assert order.body["parent_snapshot"] == wanted


async def test_another_repository_gives_no_parent(
    activities: BackupActivities, tenant: Tenant, app_database: Database, tmp_path: Path
) -> None:
    await _another_repository(app_database, tenant, tmp_path / "second")
    (order,) = (await _prepared(activities, tenant)).orders
    assert order.body["parent_snapshot"] is None


async def test_the_order_says_how_hard_to_pack(
    activities: BackupActivities, tenant: Tenant, app_database: Database, tmp_path: Path
) -> None:
    await _another_repository(app_database, tenant, tmp_path / "second")
    async with app_database.transaction(tenant.organization_id) as session:
        (await session.get_one(Job, tenant.job_id)).compression = Compression.MAX
    (order,) = (await _prepared(activities, tenant)).orders
    assert order.body["compression"] == "max"
