"""Slots of a schedule that were passed over because the run before has not ended."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.agents.repository import first_time
from sbs_server.audit.service import Actor, record
from sbs_server.messaging import outbox
from sbs_server.models import Job


@dataclass(frozen=True, slots=True)
class Skipped:
    job: Job
    agent_id: UUID
    dataset_id: UUID
    scheduled_for: datetime
    open_run_id: UUID


async def note_skipped(session: AsyncSession, skipped: Skipped) -> None:
    """Tells it and writes it into the audit log, once a slot, however often the step is repeated."""
    job, slot = skipped.job, skipped.scheduled_for.isoformat()
    name = f"skipped:{skipped.dataset_id.hex}:{slot}"
    if not await first_time(session, job.organization_id, skipped.agent_id, name):
        return
    data = {
        "job_id": job.id.hex,
        "agent_id": skipped.agent_id.hex,
        "dataset_id": skipped.dataset_id.hex,
        "scheduled_for": slot,
        "reason": "previous_run_open",
        "open_run_id": skipped.open_run_id.hex,
    }
    await outbox.event(session, job.organization_id, f"job:{job.id.hex}", "run.skipped.v1", data)
    actor, target = Actor("system", "scheduler"), ("job", str(job.id))
    await record(session, job.organization_id, actor, "run.skipped", target=target, details=data)
