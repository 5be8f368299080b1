"""The step that ends a run of any kind."""

import pytest
from sqlalchemy import select
from temporalio.testing import ActivityEnvironment

from sbs_server.kit.db.session import Database
from sbs_server.models import Run, RunState, RunTarget
from sbs_server.runs.activities import RunActivities
from sbs_server.runs.types import Finish, RunEnd
from sbs_server.testing.database import make_tenant


@pytest.mark.parametrize(("end", "state"), [("cancelled", RunState.CANCELLED), ("failed", RunState.FAILED)])
async def test_a_run_that_has_ended_has_no_open_target(
    app_database: Database, end: str, state: RunState
) -> None:
    tenant = await make_tenant(app_database)
    own = {"organization_id": tenant.organization_id, "run_id": tenant.run_id}
    async with app_database.transaction(tenant.organization_id) as session:
        (await session.get_one(Run, tenant.run_id)).state = RunState.RUNNING
        await session.merge(
            RunTarget(**own, restic_repository_id=tenant.restic_repository_id, state=RunState.WAITING)
        )
    finish = Finish(tenant.organization_id.hex, tenant.run_id.hex, RunEnd(end, False, "some_code"))
    await ActivityEnvironment().run(RunActivities(app_database).finish, finish)
    async with app_database.transaction(tenant.organization_id) as session:
        target = (await session.scalars(select(RunTarget).where(RunTarget.run_id == tenant.run_id))).one()
    assert (target.state, target.error_code) == (state, "some_code")
