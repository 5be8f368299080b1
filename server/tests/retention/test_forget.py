"""Forgetting, as far as it is decided before restic begins; that it is done is shown end to end."""

import asyncio
import base64
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import func, select, text, update
from temporalio.testing import ActivityEnvironment

from sbs_restic.cli import Runner, RunnerSettings
from sbs_restic.cli.commands import backup
from sbs_server.backups.types import FORGET_PURPOSE, ForgetRequest
from sbs_server.kit.db.session import Database
from sbs_server.kit.envelope import Envelope, EnvelopeError
from sbs_server.kit.ids import new_id
from sbs_server.models import (
    AdmissionTicket,
    AuditEntry,
    CopyState,
    Outbox,
    ResticRepository,
    ResticRepositoryState,
    Run,
    RunKind,
    RunTrigger,
    Snapshot,
    SnapshotCopy,
    TicketState,
)
from sbs_server.repositories.keys import SecretStore
from sbs_server.repositories.markers import Marker, write_marker
from sbs_server.repositories.restic import ResticRepositories
from sbs_server.retention.activities import RetentionActivities, _mark
from sbs_server.testing.bus import eventually
from sbs_server.testing.database import Tenant, make_tenant
from sbs_server.testing.restic import restic_binary, restic_runner


@pytest.fixture
async def tenant(app_database: Database, tmp_path: Path) -> Tenant:
    """With two snapshots, of which one is too many."""
    made = await make_tenant(app_database, path=str(tmp_path / "place"))
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
    await _give_ticket(app_database, made)
    return made


async def _give_ticket(database: Database, tenant: Tenant) -> None:
    async with database.transaction(tenant.organization_id) as session:
        ticket = AdmissionTicket(
            organization_id=tenant.organization_id,
            run_id=tenant.run_id,
            purpose=FORGET_PURPOSE,
            workflow_id="w",
            enqueued_at=func.now(),
            state=TicketState.GRANTED,
        )
        session.add(ticket)


def _repositories(database: Database, folder: Path, runner: Runner) -> ResticRepositories:
    kek = folder / "kek"
    if not kek.exists():
        kek.write_text(base64.b64encode(os.urandom(32)).decode())
    return ResticRepositories(database, SecretStore(Envelope(kek)), runner, folder / "templates")


def _activities(database: Database, folder: Path, runner: Runner) -> RetentionActivities:
    return RetentionActivities(database, _repositories(database, folder, runner), runner)


def _request(tenant: Tenant) -> ForgetRequest:
    return ForgetRequest(tenant.organization_id.hex, tenant.run_id.hex, [tenant.restic_repository_id.hex], 1)


async def test_a_quarantined_repository_is_left_to_a_later_run(
    app_database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    async with app_database.transaction(tenant.organization_id) as session:
        repository = await session.get_one(ResticRepository, tenant.restic_repository_id)
        repository.state = ResticRepositoryState.QUARANTINED
    activities = _activities(app_database, tmp_path, restic_runner())
    request = _request(tenant)
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


async def test_nothing_is_forgotten_without_the_ticket(
    app_database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    """An attempt that another one overtook: others may be at work in that repository by now."""
    async with app_database.transaction(tenant.organization_id) as session:
        await session.execute(update(AdmissionTicket).values(state=TicketState.RELEASED))
    activities = _activities(app_database, tmp_path, restic_runner())
    assert await ActivityEnvironment().run(activities.forget, _request(tenant)) == 0


@dataclass(frozen=True)
class Held:
    """A first attempt whose restic is held still while it has its lock in the repository."""

    database: Database
    tenant: Tenant
    folder: Path
    first: asyncio.Task[int]
    pid: int

    def again(self) -> asyncio.Task[int]:
        """The second attempt."""
        activities = _activities(self.database, self.folder, restic_runner())
        return asyncio.create_task(ActivityEnvironment().run(activities.forget, _request(self.tenant)))

    async def waited_for(self) -> bool:
        query = text(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND (classid::bigint << 32 | objid::bigint) = hashtextextended(:name, 0))"
        )
        async with self.database.transaction() as session:
            name = f"forget {self.tenant.restic_repository_id}"
            return bool(await session.scalar(query, {"name": name}))

    async def left(self) -> list[CopyState]:
        async with self.database.transaction(self.tenant.organization_id) as session:
            return sorted(await session.scalars(select(SnapshotCopy.state)))


async def _really(database: Database, tenant: Tenant, folder: Path) -> Tenant:
    """The tenant's snapshots, in a restic repository that is there."""
    async with database.transaction(tenant.organization_id) as session:
        (await session.get_one(ResticRepository, tenant.restic_repository_id)).agent_id = None
    (folder / "place").mkdir()
    write_marker(folder / "place", Marker(tenant.repository_id, tenant.organization_id))
    runner = restic_runner()
    repositories = _repositories(database, folder, runner)
    row_id = await repositories.ensure(tenant.organization_id, tenant.repository_id, tenant.agent_id)
    source = folder / "source"
    source.mkdir()
    async with database.transaction(tenant.organization_id) as session:
        location = await repositories.open(session, row_id)
        for copy in (await session.scalars(select(SnapshotCopy))).all():
            done = await backup.run(
                runner, location, backup.BackupRequest(sources=(str(source),), host="machine")
            )
            copy.restic_repository_id, copy.restic_snapshot_id = row_id, done.summary.snapshot_id or ""
    return replace(tenant, restic_repository_id=row_id)


@pytest_asyncio.fixture
async def held(app_database: Database, tenant: Tenant, tmp_path: Path) -> AsyncIterator[Held]:
    really = await _really(app_database, tenant, tmp_path)
    note = tmp_path / "pid"
    prefix = ("sh", "-c", f'[ -e {note} ] || echo $$ > {note}; exec "$0" "$@"')
    runner = Runner(
        RunnerSettings(binary=restic_binary(), prefix=prefix, interrupt_grace_s=0.1, terminate_grace_s=0.1)
    )
    activities = _activities(app_database, tmp_path, runner)
    first = asyncio.create_task(ActivityEnvironment().run(activities.forget, _request(really)))
    locks = tmp_path / "place" / "agents" / tenant.agent_id.hex / "locks"
    # Its lock is there for at least a fifth of a second: restic looks a second time then.
    while not (first.done() or any(locks.iterdir())):  # noqa: ASYNC110 - a folder tells nobody
        await asyncio.sleep(0.001)
    pid = int(note.read_text())
    os.kill(pid, signal.SIGSTOP)
    yield Held(app_database, really, tmp_path, first, pid)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_second_attempt_waits_for_the_first_ones_restic(held: Held, system_database: Database) -> None:
    second = held.again()

    async def decided() -> bool:
        return second.done() or await held.waited_for()

    await eventually(decided, "the second attempt waits")
    locks = held.folder / "place" / "agents" / held.tenant.agent_id.hex / "locks"
    assert not second.done()
    assert len(list(locks.iterdir())) == 1
    os.kill(held.pid, signal.SIGCONT)
    assert (await held.first, await second) == (1, 0)
    assert await held.left() == [CopyState.FORGOTTEN, CopyState.PRESENT]
    async with system_database.transaction() as session:
        acts = select(func.count(AuditEntry.sequence)).where(
            AuditEntry.chain == held.tenant.organization_id, AuditEntry.action == "snapshots.forgotten"
        )
        assert await session.scalar(acts) == 1


async def test_second_attempt_does_the_work_of_a_first_one_that_was_cut_off(held: Held) -> None:
    """What it left locked is unlocked then: its restic has ended."""
    second = held.again()
    await eventually(held.waited_for, "the second attempt waits")
    held.first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await held.first
    with pytest.raises(ProcessLookupError):
        os.kill(held.pid, 0)
    assert await second == 1
    assert await held.left() == [CopyState.FORGOTTEN, CopyState.PRESENT]
