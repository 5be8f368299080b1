"""When jobs with a schedule are due, where that is not known: jobs from before it was noted down."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select

from sbs_server.jobs.due import slot_after
from sbs_server.kit.db.session import Database
from sbs_server.models import Job
from sbs_server.schedules.activities import note_due


async def fill_in(system: Database, app: Database) -> int:
    """Notes the next slot of each; gives back of how many. `system` finds them, `app` writes in each organization.

    A migration could not do it: only cron's rules in our code say when that is.
    """
    query = select(Job.id, Job.organization_id).where(
        Job.next_due_at.is_(None), Job.cron.is_not(None), Job.paused.is_(False), Job.deleted_at.is_(None)
    )
    async with system.transaction() as session:
        found = (await session.execute(query.order_by(Job.id))).all()
    return sum([await _fill_in_one(app, row.organization_id, row.id) for row in found])


async def _fill_in_one(app: Database, organization_id: UUID, job_id: UUID) -> bool:
    async with app.transaction(organization_id) as session:
        job = await session.get_one(Job, job_id, with_for_update=True)
        slot = slot_after(job, datetime.now(UTC))
        if job.next_due_at is not None or slot is None:
            return False
        await note_due(session, job, slot)
        return True
