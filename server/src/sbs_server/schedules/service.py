"""Keeps a job's Temporal Schedule what the job's row says.

PostgreSQL has the truth: `sync` can be repeated at any time, and `restore_all` makes every schedule anew after
the workflow store was lost.
"""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from sbs_server.kit.db.session import Database
from sbs_server.models import Job
from sbs_server.schedules.workflows import ScheduledJob, ScheduledJobWorkflow

# Slots missed while the platform was down for less than this are made up for, once (overlap policy).
_CATCH_UP = timedelta(hours=6)


class Schedules:
    """Works as `sbs_system`, because it looks after the jobs of all organizations."""

    def __init__(self, system: Database, temporal: Client, task_queue: str) -> None:
        self._system = system
        self._temporal = temporal
        self._task_queue = task_queue

    async def sync(self, job_id: UUID) -> None:
        """Creates, updates, pauses or deletes the schedule of one job. Idempotent."""
        async with self._system.transaction() as session:
            job = await session.get(Job, job_id)
        if job is None or job.deleted_at is not None or job.cron is None:
            await self._delete(job_id)
        else:
            await self._put(job, self._schedule(job, job.cron))

    async def restore_all(self) -> int:
        """Syncs every job that has a schedule; gives back how many."""
        async with self._system.transaction() as session:
            query = select(Job.id).where(Job.deleted_at.is_(None), Job.cron.is_not(None))
            jobs = (await session.scalars(query)).all()
        for job_id in jobs:
            await self.sync(job_id)
        return len(jobs)

    async def _put(self, job: Job, schedule: Schedule) -> None:
        name = schedule_id(job.id)
        try:
            await self._temporal.create_schedule(name, schedule)
        except ScheduleAlreadyRunningError:
            await self._temporal.get_schedule_handle(name).update(_replace_with(schedule))

    async def _delete(self, job_id: UUID) -> None:
        try:
            await self._temporal.get_schedule_handle(schedule_id(job_id)).delete()
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise

    def _schedule(self, job: Job, cron: str) -> Schedule:
        action = ScheduleActionStartWorkflow(
            ScheduledJobWorkflow.run,
            ScheduledJob(job.organization_id.hex, job.id.hex),
            id=f"slot-{job.id.hex}",
            task_queue=self._task_queue,
        )
        return Schedule(
            action=action,
            # Seven fields: Temporal's cron text may begin with seconds and end with a year.
            spec=ScheduleSpec(cron_expressions=[f"{job.offset_s} {cron} *"], time_zone_name=job.time_zone),
            policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=_CATCH_UP),
            state=ScheduleState(paused=job.paused),
        )


def schedule_id(job_id: UUID) -> str:
    return f"job-{job_id.hex}"


def _replace_with(schedule: Schedule) -> Callable[[ScheduleUpdateInput], ScheduleUpdate]:
    def replace(_: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(schedule=schedule)

    return replace
