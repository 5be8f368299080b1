"""Lists as the console asks for them: in each order, page by page, filtered by the server."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text, update

from sbs_server.kit.ids import new_id
from sbs_server.models import Agent, Job, Role, Run, RunKind, RunState, RunTrigger, RunWarning, Snapshot
from sbs_server.testing.api import Api, Person
from sbs_server.testing.database import Tenant, make_tenant
from sbs_server.testing.estate import add_agent, add_job, add_repository, job_body, problems_of, storage_root

NAMES = ["Ärger", "alpha", "beta", "Beta", "gamma 1%", "gamma_2", "Дом", "zeta"]
START = datetime(2026, 1, 1, tzinfo=UTC)


async def listed(person: Person, what: str, **params: Any) -> list[dict[str, Any]]:
    """Everything on a list, taken in pages of three."""
    found: list[dict[str, Any]] = []
    wanted = {"limit": 3, **params}
    while True:
        answer = await person.client.get(f"{person.root}/{what}", params=wanted)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= 3
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        wanted["cursor"] = page["next_cursor"]


async def names(person: Person, what: str, **params: Any) -> list[str]:
    return [item["name"] for item in await listed(person, what, **params)]


async def agents_named(api: Api, person: Person, wanted: Sequence[str]) -> list[UUID]:
    made = [await add_agent(api, person) for _ in wanted]
    async with api.services.database.transaction(person.organization_id) as session:
        for number, (agent_id, name) in enumerate(zip(made, wanted, strict=True)):
            seen = None if number % 4 == 0 else START + timedelta(hours=number // 2)
            values = {"name": name, "hostname": f"host-{number}", "last_seen_at": seen}
            await session.execute(update(Agent).where(Agent.id == agent_id).values(**values))
    return made


async def test_agents_come_in_each_order_without_loss(api: Api) -> None:
    person = await api.person()
    ids = [str(one) for one in await agents_named(api, person, NAMES)]

    async def sorted_by(sort: str) -> list[str]:
        return [one["id"] for one in await listed(person, "agents", sort=sort)]

    assert await sorted_by("created_at") == ids
    assert (
        await sorted_by("-created_at") == ids[::-1] == [one["id"] for one in await listed(person, "agents")]
    )
    up = await names(person, "agents", sort="name")
    assert sorted(up) == sorted(NAMES)
    assert await names(person, "agents", sort="-name") == up[::-1]
    for sort, turned in (("last_seen_at", False), ("-last_seen_at", True)):
        seen = [one["last_seen_at"] for one in await listed(person, "agents", sort=sort)]
        assert seen[-2:] == [None, None], "who was never seen comes last"
        assert seen[:-2] == sorted((one for one in seen if one), reverse=turned)


async def test_agents_are_found_by_name_or_hostname(api: Api) -> None:
    person = await api.person()
    await agents_named(api, person, NAMES)
    assert set(await names(person, "agents", q="BETA")) == {"beta", "Beta"}
    assert await names(person, "agents", q="host-7") == ["zeta"]
    assert await names(person, "agents", name="host-7") == []
    assert await names(person, "agents", q="дом") == ["Дом"]
    assert await names(person, "agents", q="1%") == ["gamma 1%"]
    assert await names(person, "agents", q="a_2") == ["gamma_2"]
    assert await names(person, "agents", q="_%") == []


async def test_agent_shows_its_newest_backup(api: Api) -> None:
    tenant = await make_tenant(api.services.database)
    person = await api.person(organization_id=tenant.organization_id)
    newest = await add_run(api, tenant, state=RunState.FAILED)
    await add_run(api, tenant, kind=RunKind.RESTORE, job_id=None)
    for url in ("agents", f"agents/{tenant.agent_id}"):
        answer = (await person.client.get(f"{person.root}/{url}")).json()
        found = answer["items"][0] if "items" in answer else answer
        assert (found["last_backup"]["id"], found["last_backup"]["state"]) == (str(newest), "failed")
        assert found["last_backup"]["job_id"] == str(tenant.job_id)


async def add_run(api: Api, tenant: Tenant, **values: Any) -> UUID:
    async with api.services.database.transaction(tenant.organization_id) as session:
        row = Run(
            organization_id=tenant.organization_id,
            **{
                "kind": RunKind.BACKUP,
                "trigger": RunTrigger.MANUAL,
                "agent_id": tenant.agent_id,
                "job_id": tenant.job_id,
                **values,
            },
        )
        session.add(row)
        await session.flush()
        return row.id


async def test_jobs_come_in_each_order_and_by_filter(api: Api) -> None:
    person = await api.person()
    shared = await job_body(api, person)
    own = {"agent_ids": shared["agent_ids"], "repository_ids": shared["repository_ids"]}
    for number, name in enumerate(NAMES):
        cron = None if number % 3 == 0 else f"{number} 1 * * *"
        await add_job(api, person, name=name, cron=cron, paused=number == 1, **own)
    other = await add_job(api, person, name="other")
    everything = [*NAMES, "other"]
    assert await names(person, "jobs", sort="created_at") == everything
    assert await names(person, "jobs") == everything[::-1]
    up = await names(person, "jobs", sort="name")
    assert sorted(up) == sorted(everything)
    assert await names(person, "jobs", sort="-name") == up[::-1]
    times = [one["next_run_at"] for one in await listed(person, "jobs", sort="next_run_at")]
    planned = [datetime.fromisoformat(one) for one in times if one is not None]
    assert planned == sorted(planned)
    assert times[len(planned) :] == [None] * (len(times) - len(planned))
    assert (await names(person, "jobs", paused="true"), len(planned)) == (["alpha"], 4)
    assert set(await names(person, "jobs", name="BETA")) == {"beta", "Beta"}
    for kind in ("agent_id", "repository_id"):
        assert await names(person, "jobs", **{kind: other[f"{kind}s"][0]}) == ["other"]
        assert len(await names(person, "jobs", **{kind: shared[f"{kind}s"][0]})) == len(NAMES)


async def test_job_shows_its_last_run_and_its_next(api: Api) -> None:
    tenant = await make_tenant(api.services.database)
    person = await api.person(organization_id=tenant.organization_id)
    (job,) = await listed(person, "jobs")
    assert (job["last_run"]["state"], job["next_run_at"], job["overdue_since"]) == ("waiting", None, None)
    newest = await add_run(api, tenant, state=RunState.PARTIAL, finished_at=START)
    (job,) = await listed(person, "jobs")
    assert (job["last_run"]["id"], job["last_run"]["state"]) == (str(newest), "partial")
    assert job["last_run"]["finished_at"] == "2026-01-01T00:00:00Z"


async def test_slot_follows_each_change_of_the_schedule(api: Api) -> None:
    person = await api.person()
    job = await add_job(api, person, cron="0 1 * * *")

    async def due() -> datetime | None:
        async with api.services.database.transaction(person.organization_id) as session:
            return (await session.get_one(Job, UUID(job["id"]))).next_due_at

    async def act(method: str, path: str = "", **body: Any) -> None:
        url = f"{person.root}/jobs/{job['id']}{path}"
        answer = await person.client.request(method, url, json=body or None, headers={"If-Match": "*"})
        assert answer.is_success, answer.text

    first = await due()
    assert first == datetime.fromisoformat(job["next_run_at"])
    await act("PATCH", cron="0 2 * * *")
    second = await due()
    assert second is not None
    assert second.hour == 2
    missed = START
    async with api.services.database.transaction(person.organization_id) as session:
        await session.execute(update(Job).values(next_due_at=missed))
    await act("PATCH", name="another name")
    assert await due() == missed, "another name makes nothing good"
    await act("POST", "/pause")
    assert await due() is None
    await act("POST", "/resume")
    assert await due() == second


async def test_repositories_come_in_each_order_with_what_is_known(api: Api) -> None:
    person = await api.person()
    for name in NAMES[:5]:
        await add_repository(api, person, name)
    assert await names(person, "repositories", sort="created_at") == NAMES[:5]
    up = await names(person, "repositories", sort="name")
    assert await names(person, "repositories", sort="-name") == up[::-1]
    assert set(await names(person, "repositories", name="BETA")) == {"beta", "Beta"}
    for one in await listed(person, "repositories"):
        assert (one["snapshots"], one["problem"]) == (0, None)
        assert 0 < one["free_bytes"] <= one["total_bytes"]


async def test_repository_counts_its_snapshots_and_tells_what_is_wrong(api: Api) -> None:
    tenant = await make_tenant(api.services.database)
    person = await api.person(organization_id=tenant.organization_id)
    (one,) = await listed(person, "repositories")
    assert (one["snapshots"], one["free_bytes"], one["problem"]["code"]) == (
        1,
        None,
        "repository.path_missing",
    )
    async with api.services.database.transaction(tenant.organization_id) as session:
        await session.execute(text("UPDATE snapshot_copy SET state = 'forgotten'"))
    (one,) = await listed(person, "repositories")
    assert one["snapshots"] == 0


async def test_runs_are_filtered_by_states_kind_and_time(api: Api) -> None:
    tenant = await make_tenant(api.services.database)
    person = await api.person(organization_id=tenant.organization_id)
    async with api.services.database.transaction(tenant.organization_id) as session:
        await session.execute(update(Run).values(created_at=START - timedelta(days=1)))
    states = list(RunState)
    made = [
        str(
            await add_run(
                api, tenant, state=states[number % 7], created_at=START + timedelta(hours=number // 2)
            )
        )
        for number in range(14)
    ]

    async def ids(**params: Any) -> list[str]:
        return [one["id"] for one in await listed(person, "runs", **params)]

    first = str(tenant.run_id)
    assert await ids() == [*made[::-1], first]
    assert await ids(sort="created_at") == [first, *made]
    failed, partial = states.index(RunState.FAILED), states.index(RunState.PARTIAL)
    wanted = sorted({made[failed], made[failed + 7], made[partial], made[partial + 7]})
    assert sorted(await ids(state=["failed", "partial"])) == wanted
    times = {"created_from": "2026-01-01T02:00:00Z", "created_to": "2026-01-01T05:00:00+01:00"}
    assert await ids(**times) == made[4:8][::-1]
    assert await ids(kind="restore") == []


@pytest.mark.parametrize(
    "moment",
    ["yesterday", "2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"],
)
@pytest.mark.parametrize(
    ("what", "field"),
    [
        ("runs", "created_from"),
        ("runs", "created_to"),
        ("snapshots", "taken_from"),
        ("snapshots", "taken_to"),
    ],
)
async def test_time_without_its_zone_or_beyond_the_calendar_is_refused(
    api: Api, what: str, field: str, moment: str
) -> None:
    person = await api.person()
    answer = await person.client.get(f"{person.root}/{what}", params={field: moment})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"query:{field}"


@pytest.mark.parametrize(
    ("what", "field"), [("agents", "name"), ("agents", "q"), ("jobs", "name"), ("repositories", "name")]
)
async def test_search_for_what_no_name_can_hold_is_refused(api: Api, what: str, field: str) -> None:
    person = await api.person()
    answer = await person.client.get(f"{person.root}/{what}", params={field: "a\0b"})
    assert problems_of(answer) == [(f"query:{field}", "request.control")]


async def test_search_in_warnings_for_what_no_path_can_hold_is_refused(api: Api) -> None:
    tenant = await make_tenant(api.services.database)
    person = await api.person(organization_id=tenant.organization_id)
    url = f"{person.root}/runs/{tenant.run_id}/warnings"
    assert problems_of(await person.client.get(url, params={"q": "\0"})) == [("query:q", "request.control")]
    assert (await person.client.get(url, params={"q": "\n"})).status_code == 200


async def test_snapshots_are_filtered_by_time_and_place(api: Api) -> None:
    tenant = await make_tenant(api.services.database)
    person = await api.person(organization_id=tenant.organization_id)
    made = [str(await add_snapshot(api, tenant, START + timedelta(days=number // 2))) for number in range(7)]
    newest = str(tenant.snapshot_id)

    async def ids(**params: Any) -> list[str]:
        return [one["id"] for one in await listed(person, "snapshots", **params)]

    assert await ids() == [newest, *made[::-1]]
    assert await ids(sort="taken_at") == [*made, newest]
    times = {"taken_from": "2026-01-02T00:00:00Z", "taken_to": "2026-01-03T00:00:00Z"}
    assert await ids(**times) == made[2:4][::-1]
    assert await ids(repository_id=str(tenant.repository_id)) == [newest], "the others have no copy"


async def add_snapshot(api: Api, tenant: Tenant, taken_at: datetime) -> UUID:
    run_id, snapshot_id = await add_run(api, tenant), new_id()
    async with api.services.database.transaction(tenant.organization_id) as session:
        session.add(
            Snapshot(
                id=snapshot_id,
                organization_id=tenant.organization_id,
                dataset_id=tenant.dataset_id,
                agent_id=tenant.agent_id,
                run_id=run_id,
                taken_at=taken_at,
                hostname="machine",
                paths=["/srv"],
                files=1,
                size_bytes=1,
                added_bytes=1,
                complete=True,
            )
        )
    return snapshot_id


async def test_warnings_are_found_by_a_part_of_the_path(api: Api) -> None:
    tenant = await make_tenant(api.services.database)
    person = await api.person(organization_id=tenant.organization_id)
    paths = ["/srv/A.doc", "/srv/b.doc", "/srv/100%.doc", "/srv/файл", "/home/a.doc"]
    async with api.services.database.transaction(tenant.organization_id) as session:
        own = {"organization_id": tenant.organization_id, "run_id": tenant.run_id, "command_id": "c"}
        for position, path in enumerate(paths):
            session.add(RunWarning(**own, attempt=1, position=position, path=path, code="x", message="x"))
            await session.flush()
    url = f"runs/{tenant.run_id}/warnings"

    async def found(**params: str) -> list[str]:
        return [one["path"] for one in await listed(person, url, **params)]

    assert await found() == paths
    assert await found(q="a.DOC") == ["/srv/A.doc", "/home/a.doc"]
    assert await found(q="%") == ["/srv/100%.doc"]
    assert await found(q="ФАЙЛ") == ["/srv/файл"]


@pytest.mark.parametrize("what", ["agents", "jobs", "repositories", "runs", "snapshots"])
async def test_order_that_does_not_exist_and_cursor_of_another_are_refused(api: Api, what: str) -> None:
    person = await api.person()
    answer = await person.client.get(f"{person.root}/{what}", params={"sort": "colour"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "query:sort")
    answer = await person.client.get(f"{person.root}/{what}", params={"cursor": "x"})
    assert problems_of(answer) == [("query:cursor", "request.cursor")]


async def test_storage_roots_are_told_to_administrators(api: Api) -> None:
    root, person = storage_root(api), await api.person()
    (found,) = (await person.client.get(f"{person.root}/storage-roots")).json()["items"]
    assert (found["path"], found["problem"]) == (str(root), None)
    assert 0 < found["free_bytes"] <= found["total_bytes"]
    operator = await api.person(Role.OPERATOR)
    assert (await operator.client.get(f"{operator.root}/storage-roots")).status_code == 403
