"""Schedules against Temporal's real server: what the job's row says is what the schedule does."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from temporalio.client import Client, ScheduleDescription
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from sbs_server.kit.db.session import Database
from sbs_server.models import AuditEntry, Job, Outbox, Run, RunState
from sbs_server.schedules.activities import ScheduleActivities, Slot
from sbs_server.schedules.service import Schedules, schedule_id
from sbs_server.schedules.workflows import ScheduledJobWorkflow
from sbs_server.testing.database import Tenant, make_tenant

QUEUE = "schedules"


@pytest.fixture
async def tenant(app_database: Database) -> Tenant:
    return await make_tenant(app_database)


@pytest.fixture
def schedules(system_database: Database, temporal: Client) -> Schedules:
    return Schedules(system_database, temporal, QUEUE)


async def _edit(database: Database, tenant: Tenant, **values: object) -> None:
    async with database.transaction(tenant.organization_id) as session:
        job = await session.get_one(Job, tenant.job_id)
        for name, value in values.items():
            setattr(job, name, value)


async def _described(temporal: Client, tenant: Tenant) -> ScheduleDescription | None:
    try:
        return await temporal.get_schedule_handle(schedule_id(tenant.job_id)).describe()
    except RPCError as error:
        assert error.status == RPCStatusCode.NOT_FOUND  # noqa: PT017 - anything else is a broken test
        return None


async def test_a_job_with_cron_text_has_a_schedule_in_its_time_zone(
    schedules: Schedules, temporal: Client, tenant: Tenant, app_database: Database
) -> None:
    await _edit(app_database, tenant, cron="30 2 * * *", time_zone="Europe/Moscow")
    await schedules.sync(tenant.job_id)
    described = await _described(temporal, tenant)
    assert described is not None
    first = described.info.next_action_times[0].astimezone(UTC)
    assert (first.hour, first.minute) == (23, 30)


async def test_an_edit_a_pause_and_a_removal_reach_the_schedule(
    schedules: Schedules, temporal: Client, tenant: Tenant, app_database: Database
) -> None:
    await _edit(app_database, tenant, cron="0 1 * * *")
    await schedules.sync(tenant.job_id)
    await _edit(app_database, tenant, cron="0 5 * * *", paused=True)
    await schedules.sync(tenant.job_id)
    described = await _described(temporal, tenant)
    assert described is not None
    assert described.schedule.state.paused
    assert described.info.next_action_times[0].hour == 5
    await _edit(app_database, tenant, cron=None)
    await schedules.sync(tenant.job_id)
    await schedules.sync(tenant.job_id)
    assert await _described(temporal, tenant) is None


async def test_every_schedule_comes_back_after_the_workflow_store_was_lost(
    schedules: Schedules, temporal: Client, tenant: Tenant, app_database: Database
) -> None:
    await _edit(app_database, tenant, cron="0 4 * * *")
    await schedules.sync(tenant.job_id)
    await temporal.get_schedule_handle(schedule_id(tenant.job_id)).delete()
    assert await schedules.restore_all() >= 1
    assert await _described(temporal, tenant) is not None


async def _count(database: Database, tenant: Tenant) -> int:
    async with database.transaction(tenant.organization_id) as session:
        query = select(func.count()).select_from(Run).where(Run.scheduled_for.is_not(None))
        return await session.scalar(query) or 0


async def test_a_slot_starts_its_runs_once(app_database: Database, tenant: Tenant) -> None:
    activities, environment = ScheduleActivities(app_database), ActivityEnvironment()
    slot = Slot(
        tenant.organization_id.hex, tenant.job_id.hex, datetime(2026, 1, 1, 2, 30, tzinfo=UTC).isoformat()
    )
    assert await environment.run(activities.start_due, slot) == 1
    assert await environment.run(activities.start_due, slot) == 0
    assert await _count(app_database, tenant) == 1


def _slot(tenant: Tenant, hour: int) -> Slot:
    due = datetime(2026, 1, 1, hour, tzinfo=UTC)
    return Slot(tenant.organization_id.hex, tenant.job_id.hex, due.isoformat())


async def _skipped(app: Database, system: Database, tenant: Tenant) -> tuple[int, int]:
    """How often it was told, and how often it was written into the audit log."""
    async with system.transaction() as session:
        told = select(func.count()).where(
            Outbox.aggregate == f"job:{tenant.job_id.hex}",
            Outbox.payload["type"].astext == "run.skipped.v1",
        )
        events = await session.scalar(told) or 0
    async with app.transaction(tenant.organization_id) as session:
        written = select(func.count()).where(AuditEntry.action == "run.skipped")
        return events, await session.scalar(written) or 0


async def test_slots_do_not_pile_up_while_a_run_of_the_dataset_is_open(
    app_database: Database, system_database: Database, tenant: Tenant
) -> None:
    activities, environment = ScheduleActivities(app_database), ActivityEnvironment()
    assert await environment.run(activities.start_due, _slot(tenant, 1)) == 1
    for hour in (2, 3, 3):  # the last one as Temporal repeats a step
        assert await environment.run(activities.start_due, _slot(tenant, hour)) == 0
    assert await _skipped(app_database, system_database, tenant) == (2, 2)
    async with app_database.transaction(tenant.organization_id) as session:
        run = (await session.scalars(select(Run).where(Run.scheduled_for.is_not(None)))).one()
        run.state = RunState.FAILED
    assert await environment.run(activities.start_due, _slot(tenant, 4)) == 1


async def test_slot_that_begins_moves_the_next_one_past_now_and_is_no_edit(
    app_database: Database, tenant: Tenant
) -> None:
    """Slots missed together are not all made up for: one that still lay in the past would be told as missed."""
    await _edit(app_database, tenant, cron="0 * * * *", next_due_at=datetime(2026, 1, 1, 1, tzinfo=UTC))
    async with app_database.transaction(tenant.organization_id) as session:
        before = await session.get_one(Job, tenant.job_id)
    await ActivityEnvironment().run(ScheduleActivities(app_database).start_due, _slot(tenant, 1))
    async with app_database.transaction(tenant.organization_id) as session:
        job = await session.get_one(Job, tenant.job_id)
    assert job.next_due_at is not None
    assert timedelta() < job.next_due_at - datetime.now(UTC) <= timedelta(hours=1)
    assert (job.version, job.updated_at) == (before.version, before.updated_at)


async def test_two_slots_at_once_start_one_run(app_database: Database, tenant: Tenant) -> None:
    activities = ScheduleActivities(app_database)
    started = await asyncio.gather(
        *(ActivityEnvironment().run(activities.start_due, _slot(tenant, hour)) for hour in range(6))
    )
    assert sum(started) == 1


@pytest.mark.parametrize("values", [{"paused": True}, {"deleted_at": func.now()}])
async def test_a_paused_or_deleted_job_starts_nothing(
    app_database: Database, tenant: Tenant, values: dict[str, object]
) -> None:
    await _edit(app_database, tenant, **values)
    slot = Slot(tenant.organization_id.hex, tenant.job_id.hex, datetime(2026, 1, 1, tzinfo=UTC).isoformat())
    assert await ActivityEnvironment().run(ScheduleActivities(app_database).start_due, slot) == 0


async def test_triggered_the_schedule_starts_a_run_of_the_slots_time(
    schedules: Schedules, temporal: Client, tenant: Tenant, app_database: Database
) -> None:
    await _edit(app_database, tenant, cron="0 4 * * *")
    await schedules.sync(tenant.job_id)
    activities = [ScheduleActivities(app_database).start_due]
    async with Worker(temporal, task_queue=QUEUE, workflows=[ScheduledJobWorkflow], activities=activities):
        await temporal.get_schedule_handle(schedule_id(tenant.job_id)).trigger()
        while await _count(app_database, tenant) == 0:
            await temporal.service_client.check_health()
    assert await _count(app_database, tenant) == 1


async def test_seconds_after_the_minute_spread_jobs_that_share_it(
    schedules: Schedules, temporal: Client, tenant: Tenant, app_database: Database
) -> None:
    await _edit(app_database, tenant, cron="* * * * *", offset_s=41)
    await schedules.sync(tenant.job_id)
    described = await _described(temporal, tenant)
    assert described is not None
    assert {time.second for time in described.info.next_action_times} == {41}
