"""Forgetting snapshots: by explicit, registered ids alone, on the control plane's side.

A snapshot that is in the repository but not registered here is never touched: an agent gone bad could have
written it to push good ones out.

Temporal may give the step out a second time while the first attempt is still at work: when it was away for longer
than the step's signs of life may be missing. So each restic repository has a lock in the database, which is held
while restic works on it; and nobody's lock in the repository is removed without that one and a ticket.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError

from sbs_restic.cli import Repository as Location
from sbs_restic.cli import Runner
from sbs_restic.cli.commands import forget, unlock
from sbs_restic.cli.errors import RepositoryLockedError
from sbs_server.audit.service import Actor, record
from sbs_server.backups.types import FORGET_PURPOSE, ForgetRequest
from sbs_server.kit.db.locks import lock
from sbs_server.kit.db.session import Database
from sbs_server.kit.workflows import LONG_STEP_TIMEOUT
from sbs_server.messaging import outbox
from sbs_server.models import (
    AdmissionTicket,
    CopyState,
    ResticRepository,
    ResticRepositoryState,
    Run,
    Snapshot,
    SnapshotCopy,
    TicketState,
)
from sbs_server.repositories.restic import ResticRepositories
from sbs_server.retention.keep import Candidate, keep_last

log = structlog.get_logger()

# Each holds a connection while restic works: most of the pool is for everybody else.
_AT_ONCE = 8

# Ended, and told as what it is, before Temporal ends the step for taking too long.
_LONGEST = LONG_STEP_TIMEOUT - timedelta(minutes=2)


class RetentionActivities:
    def __init__(self, database: Database, repositories: ResticRepositories, runner: Runner) -> None:
        self._database = database
        self._repositories = repositories
        self._runner = runner
        self._free = asyncio.Semaphore(_AT_ONCE)

    @activity.defn(name="retention.forget")
    async def forget(self, request: ForgetRequest) -> int:
        """Applies keep-last to the run's dataset in each of its repositories; gives back how many went.

        The run's ticket is exclusive, so nobody else works on these repositories; a quarantined one, where
        somebody still may, is left to a later run.
        """
        try:
            async with asyncio.timeout(_LONGEST.total_seconds()) as limit:
                return await self._forget_surplus(request)
        except TimeoutError as error:
            if not limit.expired():
                raise
            text = "forgetting snapshots took too long and was stopped"
            raise ApplicationError(text, type="retention_timeout", non_retryable=True) from error

    async def _forget_surplus(self, request: ForgetRequest) -> int:
        organization_id, run_id = UUID(hex=request.organization_id), UUID(hex=request.run_id)
        gone = 0
        for repository_hex in request.restic_repository_ids:
            repository_id = UUID(hex=repository_hex)
            async with self._free, self._database.transaction(organization_id) as session:
                # Held while restic works: another attempt of this step waits here, and then finds nothing to do.
                await lock(session, f"forget {repository_id}")
                if not await _has_ticket(session, run_id) or await _is_quarantined(session, repository_id):
                    continue
                copies = await _surplus(session, run_id, repository_id, request.keep_last)
                location = await self._repositories.open(session, repository_id)
                if copies:
                    await self._forget(session, location, [copy.restic_snapshot_id for copy in copies])
                    await _mark(session, organization_id, run_id, [copy.id for copy in copies])
            gone += len(copies)
        return gone

    async def _forget(self, session: AsyncSession, location: Location, restic_ids: list[str]) -> None:
        try:
            await forget.run(self._runner, location, restic_ids)
        except RepositoryLockedError:
            # Our ticket is exclusive, and so is our lock in the database, if the connection that has it still
            # stands: whoever left this one is gone.
            await session.execute(select(1))
            log.warning("stale lock removed", repository=location.location)
            await unlock.run(self._runner, location, remove_all=True)
            await forget.run(self._runner, location, restic_ids)


async def _has_ticket(session: AsyncSession, run_id: UUID) -> bool:
    """Not any more when another attempt was faster: the workflow has gone on, and others may be at work."""
    query = select(AdmissionTicket.id).where(
        AdmissionTicket.run_id == run_id,
        AdmissionTicket.purpose == FORGET_PURPOSE,
        AdmissionTicket.state == TicketState.GRANTED,
    )
    return (await session.scalars(query)).first() is not None


async def _is_quarantined(session: AsyncSession, repository_id: UUID) -> bool:
    repository = await session.get_one(ResticRepository, repository_id)
    if repository.state != ResticRepositoryState.QUARANTINED:
        return False
    log.warning("retention_passed_over", restic_repository=repository_id.hex, reason=repository.state_reason)
    return True


async def _surplus(session: AsyncSession, run_id: UUID, repository_id: UUID, keep: int) -> list[SnapshotCopy]:
    run = await session.get_one(Run, run_id)
    query = (
        select(SnapshotCopy, Snapshot.taken_at)
        .join(Snapshot, Snapshot.id == SnapshotCopy.snapshot_id)
        .where(
            Snapshot.dataset_id == run.dataset_id,
            SnapshotCopy.restic_repository_id == repository_id,
            SnapshotCopy.state == CopyState.PRESENT,
        )
        .order_by(Snapshot.taken_at, Snapshot.id)
    )
    rows = (await session.execute(query)).all()
    if not rows:
        return []
    return keep_last([Candidate(copy, taken_at) for copy, taken_at in rows], keep).forget


async def _mark(session: AsyncSession, organization_id: UUID, run_id: UUID, copy_ids: list[UUID]) -> None:
    for copy_id in copy_ids:
        copy = await session.get_one(SnapshotCopy, copy_id)
        copy.state, copy.forgotten_at = CopyState.FORGOTTEN, func.now()
        await session.flush()
        left = select(SnapshotCopy.id).where(
            SnapshotCopy.snapshot_id == copy.snapshot_id, SnapshotCopy.state == CopyState.PRESENT
        )
        snapshot = await session.get_one(Snapshot, copy.snapshot_id)
        if (await session.scalars(left)).first() is None:
            snapshot.forgotten_at = func.now()
            data = {"snapshot_id": snapshot.id.hex, "agent_id": snapshot.agent_id.hex}
            aggregate = f"snapshot:{snapshot.id.hex}"
            await outbox.event(session, organization_id, aggregate, "snapshot.forgotten.v1", data)
    details = {"run_id": str(run_id), "snapshot_copies": [str(copy_id) for copy_id in copy_ids]}
    actor = Actor("system", "retention")
    await record(session, organization_id, actor, "snapshots.forgotten", details=details)
