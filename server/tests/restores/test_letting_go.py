"""A restore that is over lets the agent remove what it keeps for a further attempt."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from temporalio.testing import ActivityEnvironment

from sbs_protocol.commands import ConflictPolicy, RestoreRun
from sbs_protocol.identifiers import command_id
from sbs_server.agents.order_types import CommandOutcome, Trouble
from sbs_server.kit.db.session import Database
from sbs_server.models import Command, CommandState, Outbox, RunTarget
from sbs_server.restores.activities import RestoreActivities
from sbs_server.restores.types import RestoreOutcome
from sbs_server.testing.database import Tenant, make_tenant

AWAY = Trouble("repository_unreachable", "away", True)


@pytest.fixture
async def tenant(app_database: Database) -> Tenant:
    """Its restore has ended on the agent."""
    tenant = await make_tenant(app_database)
    body = RestoreRun(
        restic_repository_id=tenant.restic_repository_id,
        restic_snapshot_id="ab" * 32,
        target_folder="/srv/restored",
        policy=ConflictPolicy.REFUSE,
    )
    own = {
        "organization_id": tenant.organization_id,
        "run_id": tenant.run_id,
        "restic_repository_id": tenant.restic_repository_id,
    }
    async with app_database.transaction(tenant.organization_id) as session:
        session.add(RunTarget(**own))
        session.add(
            Command(
                **own,
                id=_name(tenant),
                agent_id=tenant.agent_id,
                attempt=5,
                body=body.model_dump(mode="json"),
                state=CommandState.FINISHED,
                workflow_id="w",
                activity_id="a",
                ordered_at=datetime.now(UTC),
            )
        )
    return tenant


def _name(tenant: Tenant) -> str:
    return command_id(tenant.run_id, "restore", tenant.restic_repository_id)


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (CommandOutcome("failed", AWAY), True),
        (CommandOutcome("cancelled"), True),
        (CommandOutcome("succeeded"), False),
        (CommandOutcome("completed_with_warnings"), False),
    ],
)
async def test_the_agent_is_told_when_there_is_no_further_attempt(
    app_database: Database, system_database: Database, tenant: Tenant, outcome: CommandOutcome, told: bool
) -> None:
    given = RestoreOutcome(
        tenant.organization_id.hex, tenant.run_id.hex, tenant.restic_repository_id.hex, outcome
    )
    await ActivityEnvironment().run(RestoreActivities(app_database).record, given)
    async with system_database.transaction() as session:
        query = select(Outbox.payload).where(Outbox.aggregate == f"command:{_name(tenant)}")
        sent = list(await session.scalars(query))
    expected = {
        "agent_id": tenant.agent_id.hex,
        "command_id": _name(tenant),
        "attempt": 5,
        "cancel": True,
        "final": True,
    }
    assert sent == ([expected] if told else [])
