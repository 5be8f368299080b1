"""Starting the runs of a schedule's slot."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from temporalio import activity

from sbs_server.backups.service import start_runs
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
            return len(runs)
