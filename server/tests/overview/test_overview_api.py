"""`/overview`: each thing that is wrong is found, with what is not wrong beside it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, update

from sbs_protocol.commands import ConflictPolicy
from sbs_server.kit.i18n import catalogue
from sbs_server.kit.ids import new_id
from sbs_server.models import (
    Agent,
    AgentCertificate,
    AgentState,
    Job,
    Repository,
    ResticRepository,
    ResticRepositoryState,
    Restore,
    Run,
    RunKind,
    RunState,
    RunTrigger,
)
from sbs_server.overview import service
from sbs_server.overview.rules import RULES
from sbs_server.repositories.trials import Space
from sbs_server.runs.lifecycle import finish_run
from sbs_server.runs.types import RunEnd
from sbs_server.testing.api import Api, Person
from sbs_server.testing.database import Tenant, make_tenant

DAY = timedelta(days=1)


@pytest.fixture
async def tenant(api: Api, tmp_path: Any) -> Tenant:
    """With an agent that is connected, and a run that has gone well."""
    made = await make_tenant(api.services.database, path=str(tmp_path))
    await change(api, made, Agent, made.agent_id, connected=True, last_seen_at=func.now())
    await change(api, made, Run, made.run_id, dataset_id=made.dataset_id)
    await ended(api, made, "succeeded")
    return made


@pytest.fixture
async def person(api: Api, tenant: Tenant) -> Person:
    return await api.person(organization_id=tenant.organization_id)


async def change(api: Api, tenant: Tenant, model: Any, key: UUID, **values: object) -> None:
    async with api.services.database.transaction(tenant.organization_id) as session:
        await session.execute(update(model).where(model.id == key).values(**values))


async def new_run(api: Api, tenant: Tenant, **values: object) -> UUID:
    """A further run of the tenant's job."""
    async with api.services.database.transaction(tenant.organization_id) as session:
        row = Run(
            organization_id=tenant.organization_id,
            **{
                "kind": RunKind.BACKUP,
                "trigger": RunTrigger.SCHEDULE,
                "job_id": tenant.job_id,
                "agent_id": tenant.agent_id,
                "dataset_id": tenant.dataset_id,
                **values,
            },
        )
        session.add(row)
        await session.flush()
        return row.id


async def ended(
    api: Api, tenant: Tenant, state: str, code: str | None = None, run_id: UUID | None = None
) -> UUID:
    """The tenant's run (or that one) has come to its end."""
    async with api.services.database.transaction(tenant.organization_id) as session:
        run = await session.get_one(Run, run_id or tenant.run_id)
        await finish_run(session, run, RunEnd(state, False, code, code))
        return run.id


async def overview(person: Person, **params: str) -> dict[str, Any]:
    answer = await person.client.get(f"{person.root}/overview", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def items(person: Person) -> list[dict[str, Any]]:
    """What needs attention, but for the test's disk and its folder that is no repository."""
    found = (await overview(person))["attention"]
    return [one for one in found if one["object_kind"] != "repository" or one["since"] is not None]


async def test_where_all_is_well_nothing_needs_attention(api: Api, tenant: Tenant, person: Person) -> None:
    assert await items(person) == []
    found = await overview(person)
    assert found["agents"] == {
        "active": 1,
        "connected": 1,
        "disconnected": 0,
        "never_connected": 0,
        "revoked": 0,
    }
    assert found["jobs"] == {"total": 1, "scheduled": 0, "paused": 0}
    assert found["repositories"]["total"] == 1
    assert (found["snapshots"], found["open_runs"]) == (1, 0)
    assert found["runs_last_24h"]["succeeded"] == 1


async def test_empty_organization_has_an_overview(api: Api) -> None:
    found = await overview(await api.person())
    assert (found["attention"], found["snapshots"], len(found["days"])) == ([], 0, 14)


AGENTS = [
    ({"connected": False, "last_seen_at": func.now() - 8 * DAY}, "agent_silent_long", "critical"),
    ({"connected": False, "last_seen_at": func.now() - 2 * DAY}, "agent_silent", "warning"),
    (
        {"connected": False, "last_seen_at": None, "created_at": func.now() - DAY},
        "agent_never_connected",
        "warning",
    ),
]


@pytest.mark.parametrize(("values", "code", "gravity"), AGENTS)
async def test_agent_that_is_away_is_told(
    api: Api, tenant: Tenant, person: Person, values: dict[str, object], code: str, gravity: str
) -> None:
    await change(api, tenant, Agent, tenant.agent_id, **values)
    (item,) = await items(person)
    assert (item["code"], item["gravity"]) == (f"attention.{code}", gravity)
    assert (item["object_kind"], item["object_id"]) == ("agent", str(tenant.agent_id))
    assert item["object_name"] in item["message"]
    assert item["hint"]
    await change(api, tenant, Agent, tenant.agent_id, state=AgentState.REVOKED)
    assert [one["object_kind"] for one in await items(person)] == ["job"], "it has no agent any more"


async def certificate(api: Api, tenant: Tenant, ends: timedelta, **values: object) -> None:
    now = datetime.now(UTC)
    async with api.services.database.transaction(tenant.organization_id) as session:
        session.add(
            AgentCertificate(
                organization_id=tenant.organization_id,
                agent_id=tenant.agent_id,
                serial=new_id().hex,
                csr_sha256=new_id().bytes,
                chain_pem="",
                not_before=now - 90 * DAY,
                not_after=now + ends,
                **values,
            )
        )


async def test_certificates_are_told_before_and_after_their_end(
    api: Api, tenant: Tenant, person: Person
) -> None:
    await certificate(api, tenant, -DAY)
    (item,) = await items(person)
    assert (item["code"], item["gravity"]) == ("attention.certificate_expired", "critical")
    await certificate(api, tenant, 3 * DAY)
    (item,) = await items(person)
    assert (item["code"], item["gravity"]) == ("attention.certificate_expiring", "warning")
    assert "3 days" in item["message"]
    await certificate(api, tenant, 80 * DAY, revoked_at=datetime.now(UTC))
    assert len(await items(person)) == 1
    await certificate(api, tenant, 80 * DAY)
    assert await items(person) == []


@pytest.mark.parametrize(
    ("state", "code", "gravity"),
    [
        ("failed", "job_failed", "critical"),
        ("partial", "job_partial", "warning"),
        ("completed_with_warnings", "job_warnings", "notice"),
    ],
)
async def test_job_whose_last_run_went_badly_is_told_until_one_goes_well(
    api: Api, tenant: Tenant, person: Person, state: str, code: str, gravity: str
) -> None:
    run = await ended(api, tenant, state, "no_space", await new_run(api, tenant))
    (item,) = await items(person)
    assert (item["code"], item["gravity"]) == (f"attention.{code}", gravity)
    assert (item["object_id"], item["run_id"]) == (str(tenant.job_id), str(run))
    assert item["agents_affected"] == 1
    await ended(api, tenant, "cancelled", run_id=await new_run(api, tenant))
    assert len(await items(person)) == 1, "a cancelled run makes nothing good"
    await ended(api, tenant, "succeeded", run_id=await new_run(api, tenant))
    assert await items(person) == []


async def test_older_run_that_ends_later_does_not_hide_the_newer_one(
    api: Api, tenant: Tenant, person: Person
) -> None:
    older, newer = await new_run(api, tenant), await new_run(api, tenant)
    await ended(api, tenant, "failed", "no_space", newer)
    await ended(api, tenant, "succeeded", run_id=older)
    assert [one["code"] for one in await items(person)] == ["attention.job_failed"]


async def test_lost_run_is_told_as_such(api: Api, tenant: Tenant, person: Person) -> None:
    run = await ended(api, tenant, "failed", "workflow_lost", await new_run(api, tenant))
    restore = await new_run(api, tenant, kind=RunKind.RESTORE, job_id=None, dataset_id=None)
    await ended(api, tenant, "failed", "workflow_lost", restore)
    found = await items(person)
    assert {one["code"] for one in found} == {"attention.run_lost"}
    assert {one["object_id"] for one in found} == {str(run), str(restore)}


async def restored(api: Api, tenant: Tenant, state: str, code: str | None = None) -> UUID:
    """A restore of the tenant's snapshot to its machine has come to that end."""
    run_id = await new_run(api, tenant, kind=RunKind.RESTORE, job_id=None, dataset_id=None)
    async with api.services.database.transaction(tenant.organization_id) as session:
        session.add(
            Restore(
                organization_id=tenant.organization_id,
                run_id=run_id,
                snapshot_id=tenant.snapshot_id,
                selection=[],
                target_folder="/restored",
                policy=ConflictPolicy.SKIP,
            )
        )
    return await ended(api, tenant, state, code, run_id)


@pytest.mark.parametrize(
    ("state", "code", "gravity"),
    [("failed", "restore_failed", "critical"), ("completed_with_warnings", "restore_warnings", "warning")],
)
async def test_restore_that_went_badly_is_told_until_one_goes_well(
    api: Api, tenant: Tenant, person: Person, state: str, code: str, gravity: str
) -> None:
    run = await restored(api, tenant, state, "no_space")
    (item,) = await items(person)
    assert (item["code"], item["gravity"]) == (f"attention.{code}", gravity)
    assert (item["object_kind"], item["object_id"], item["run_id"]) == ("run", str(run), str(run))
    assert item["object_name"] in item["message"]
    assert item["hint"]
    await restored(api, tenant, "cancelled")
    assert len(await items(person)) == 1, "a cancelled restore brings nothing back"
    again = await restored(api, tenant, state, "no_space")
    assert [one["object_id"] for one in await items(person)] == [str(again)], "the newest one counts"
    await restored(api, tenant, "succeeded")
    assert await items(person) == []


async def test_restore_that_went_badly_is_told_for_a_week(api: Api, tenant: Tenant, person: Person) -> None:
    run = await restored(api, tenant, "failed", "no_space")
    await change(api, tenant, Run, run, finished_at=func.now() - 8 * DAY)
    assert await items(person) == []


async def test_lost_restore_is_told_once(api: Api, tenant: Tenant, person: Person) -> None:
    await restored(api, tenant, "failed", "workflow_lost")
    assert [one["code"] for one in await items(person)] == ["attention.run_lost"]


async def test_job_that_is_late_or_never_ran_is_told(api: Api, tenant: Tenant, person: Person) -> None:
    due = func.now() - timedelta(hours=1)
    await change(api, tenant, Job, tenant.job_id, cron="0 1 * * *", next_due_at=due)
    (item,) = await items(person)
    assert (item["code"], item["gravity"]) == ("attention.job_overdue", "warning")
    listed = (await person.client.get(f"{person.root}/jobs")).json()["items"][0]
    assert listed["overdue_since"] == item["since"]
    await change(api, tenant, Job, tenant.job_id, paused=True)
    assert await items(person) == []
    async with api.services.database.transaction(tenant.organization_id) as session:
        values = {
            "organization_id": tenant.organization_id,
            "sources": ["/"],
            "created_at": func.now() - 2 * DAY,
        }
        session.add(Job(name="idle", **values))
    found = {one["code"]: one["gravity"] for one in await items(person)}
    assert found == {"attention.job_without_agent": "warning", "attention.job_never_run": "notice"}


async def test_repository_in_quarantine_is_told(api: Api, tenant: Tenant, person: Person) -> None:
    key, state = tenant.restic_repository_id, ResticRepositoryState.QUARANTINED
    await change(api, tenant, ResticRepository, key, state=state)
    (item,) = await items(person)
    assert item["code"] == "attention.repository_quarantined"
    assert item["object_id"] == str(tenant.repository_id)


async def test_storage_that_is_gone_is_critical(api: Api, tenant: Tenant, person: Person) -> None:
    await change(api, tenant, Repository, tenant.repository_id, path="/nonexistent/place")
    found = await overview(person)
    assert found["repositories"] == {"total": 1, "with_problem": 1}
    assert [(one["code"], one["gravity"]) for one in found["attention"]] == [
        ("repository.path_missing", "critical")
    ]


GIB = 1024**3


@pytest.mark.parametrize(
    ("free", "total", "code"),
    [
        (50, 100, None),
        (60, 4000, None),
        (9, 100, "attention.space_low"),
        (40, 4000, "attention.space_low"),
        (1, 100, "attention.space_out"),
        (4, 4000, "attention.space_out"),
    ],
)
def test_space_is_low_by_share_and_by_size(free: int, total: int, code: str | None) -> None:
    row = Repository(id=new_id(), name="place")
    item = service._place(row, Space(free * GIB, total * GIB), "en")
    assert (item and item.code) == code


async def test_gravest_come_first_and_all_are_counted(
    api: Api, tenant: Tenant, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_ITEMS", 2)
    async with api.services.database.transaction(tenant.organization_id) as session:
        for number in range(5):
            ago = 20 * DAY if number == 4 else 2 * DAY + number * DAY
            session.add(silent(tenant, f"away {number}", ago))
    found = await overview(person)
    named = [(one["object_name"], one["gravity"]) for one in found["attention"]]
    assert named[0][1] == "critical"
    assert ("away 4", "critical") in named
    counts = {one["code"]: one["count"] for one in found["attention_counts"]}
    assert (counts["attention.agent_silent"], counts["attention.agent_silent_long"]) == (4, 1)
    assert len(found["attention"]) == 2


def silent(tenant: Tenant, name: str, ago: timedelta) -> Agent:
    return Agent(
        organization_id=tenant.organization_id,
        name=name,
        hostname=name,
        os="linux",
        arch="x86_64",
        agent_version="1",
        protocol_version=1,
        last_seen_at=datetime.now(UTC) - ago,
    )


async def test_days_are_those_of_the_time_zone(api: Api, tenant: Tenant, person: Person) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    at = today - 3 * DAY + timedelta(hours=23, minutes=30)
    await new_run(api, tenant, created_at=at, state=RunState.FAILED)
    await new_run(api, tenant, created_at=at - 20 * DAY, state=RunState.FAILED)

    async def failed(zone: str) -> dict[str, int]:
        days = (await overview(person, time_zone=zone))["days"]
        assert [one["day"] for one in days] == sorted(one["day"] for one in days)
        return {one["day"]: one["runs"]["failed"] for one in days if one["runs"]["failed"]}

    assert await failed("UTC") == {at.date().isoformat(): 1}
    assert await failed("Asia/Kathmandu") == {(at + DAY).date().isoformat(): 1}
    answer = await person.client.get(f"{person.root}/overview", params={"time_zone": "Mars/Base"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "query:time_zone"


def test_every_rule_has_its_text() -> None:
    codes = [f"attention.{rule.code}" for rule in RULES]
    assert len(set(codes)) == len(codes)
    assert set(codes) <= set(catalogue())


async def test_texts_are_in_the_readers_language(api: Api, tenant: Tenant) -> None:
    reader = await api.person(organization_id=tenant.organization_id, locale="ru")
    await change(api, tenant, Agent, tenant.agent_id, connected=False, last_seen_at=func.now() - 2 * DAY)
    (item,) = await items(reader)
    assert "не выходит на связь" in item["message"]
