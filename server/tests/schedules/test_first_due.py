"""Jobs from before due times were noted down are told when they are due."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from sbs_server.kit.db.session import Database
from sbs_server.models import Job
from sbs_server.schedules import first_due
from sbs_server.testing.database import Tenant, make_tenant


async def _job(database: Database, tenant: Tenant, **values: Any) -> Job:
    async with database.transaction(tenant.organization_id) as session:
        await session.execute(update(Job).where(Job.id == tenant.job_id).values(**values))
        return await session.get_one(Job, tenant.job_id)


async def _now(database: Database, tenant: Tenant) -> Job:
    async with database.transaction(tenant.organization_id) as session:
        return await session.get_one(Job, tenant.job_id)


async def test_a_job_with_a_schedule_is_due_at_its_next_slot(
    system_database: Database, app_database: Database
) -> None:
    tenant = await make_tenant(app_database)
    before = await _job(app_database, tenant, cron="30 2 * * *")
    assert await first_due.fill_in(system_database, app_database) >= 1
    after = await _now(app_database, tenant)
    assert after.next_due_at is not None
    assert timedelta() < after.next_due_at - datetime.now(UTC) <= timedelta(days=1)
    assert (after.next_due_at.hour, after.next_due_at.minute) == (2, 30)
    assert after.updated_at == before.updated_at, "it is no edit"
    assert await first_due.fill_in(system_database, app_database) == 0


MISSED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "due"),
    [
        ({"cron": "30 2 * * *", "next_due_at": MISSED}, MISSED),
        ({"cron": "30 2 * * *", "paused": True}, None),
        ({"cron": None}, None),
    ],
    ids=["a missed slot", "paused", "no schedule"],
)
async def test_other_jobs_are_left_as_they_are(
    system_database: Database, app_database: Database, values: dict[str, Any], due: datetime | None
) -> None:
    tenant = await make_tenant(app_database)
    await _job(app_database, tenant, **values)
    await first_due.fill_in(system_database, app_database)
    assert (await _now(app_database, tenant)).next_due_at == due
