"""Starting the runs of a schedule's slot."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from sbs_server.backups.service import start_runs
from sbs_server.jobs.due import slot_after
from sbs_server.kit.db.session import Database
from sbs_server.models import Job, RunTrigger


@dataclass(frozen=True, slots=True)
class Slot:
    """`scheduled_for` is RFC 3339."""

    organization_id: str
    job_id: str
    scheduled_for: str


class ScheduleActivities:
    def __init__(self, database: Database) -> None:
        self._database = database

    @activity.defn(name="schedules.start_due")
    async def start_due(self, slot: Slot) -> int:
        """Starts the slot's runs unless the job was paused or deleted meanwhile. A slot starts them once."""
        organization_id = UUID(hex=slot.organization_id)
        async with self._database.transaction(organization_id) as session:
            job = await session.get(Job, UUID(hex=slot.job_id))
            if job is None or job.paused or job.deleted_at is not None:
                return 0
            due = datetime.fromisoformat(slot.scheduled_for)
            runs = await start_runs(session, organization_id, job, RunTrigger.SCHEDULE, scheduled_for=due)
            await _plan_next(session, job, due)
            return len(runs)


async def _plan_next(session: AsyncSession, job: Job, slot: datetime) -> None:
    """Of several slots that were missed together only some are made up for: none of the others is waited for."""
    await note_due(session, job, slot_after(job, max(slot, datetime.now(UTC))))


async def note_due(session: AsyncSession, job: Job, slot: datetime | None) -> None:
    """The slot that the job waits for now. This is no edit of the job: the time of the last one stays."""
    values = {"next_due_at": slot, "updated_at": Job.updated_at}
    await session.execute(update(Job).where(Job.id == job.id).values(values))
