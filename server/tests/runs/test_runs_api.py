"""`/runs` over HTTP, as `sbs_app` with row-level security."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.kit.ids import new_id
from sbs_server.models import (
    AdmissionClaim,
    AdmissionTicket,
    Agent,
    AgentState,
    ClaimMode,
    Command,
    JobAgent,
    ResticRepository,
    Role,
    Run,
    RunAttempt,
    RunKind,
    RunState,
    RunTarget,
    RunTrigger,
    RunWarning,
    TicketState,
)
from sbs_server.testing.api import Api, Person
from sbs_server.testing.database import Tenant, make_tenant
from sbs_server.testing.estate import add_agent, add_job, problems_of


async def estate(api: Api, role: Role = Role.ORG_ADMIN) -> tuple[Tenant, Person]:
    """An organization with one of everything, and a member of it."""
    tenant = await make_tenant(api.services.database)
    return tenant, await api.person(role, tenant.organization_id)


async def change_run(api: Api, tenant: Tenant, **values: object) -> None:
    async with api.services.database.transaction(tenant.organization_id) as session:
        await session.execute(update(Run).where(Run.id == tenant.run_id).values(**values))


async def add_run(api: Api, tenant: Tenant, **values: object) -> UUID:
    run_id = new_id()
    defaults = {"kind": RunKind.BACKUP, "trigger": RunTrigger.MANUAL, "agent_id": tenant.agent_id}
    async with api.services.database.transaction(tenant.organization_id) as session:
        session.add(Run(id=run_id, organization_id=tenant.organization_id, **(defaults | values)))
    return run_id


async def add_ticket(
    api: Api, tenant: Tenant, run_id: UUID, state: TicketState, mode: ClaimMode = ClaimMode.SHARED
) -> None:
    own, ticket_id = {"organization_id": tenant.organization_id}, new_id()
    async with api.services.database.transaction(tenant.organization_id) as session:
        session.add(
            AdmissionTicket(
                id=ticket_id,
                run_id=run_id,
                purpose="backup",
                workflow_id=f"run-{run_id.hex}",
                state=state,
                enqueued_at=datetime.now(UTC),
                **own,
            )
        )
        await session.flush()
        claim = {"ticket_id": ticket_id, "restic_repository_id": tenant.restic_repository_id, "mode": mode}
        session.add(AdmissionClaim(**claim, **own))


async def test_started_job_has_a_run_for_each_agent(api: Api) -> None:
    person = await api.person(Role.OPERATOR)
    administrator = await api.person(organization_id=person.organization_id)
    agents = [str(await add_agent(api, administrator)) for _ in range(2)]
    job = await add_job(api, administrator, agent_ids=agents)
    url = f"{person.root}/jobs/{job['id']}/runs"
    started = await person.client.post(url)
    assert started.status_code == 202, started.text
    runs = started.json()["items"]
    assert {run["agent_id"] for run in runs} == set(agents)
    assert {(run["kind"], run["state"], run["trigger"]) for run in runs} == {("backup", "waiting", "manual")}
    assert {run["requested_by"] for run in runs} == {str(person.user_id)}
    assert {run["job_name"] for run in runs} == {job["name"]}
    listed = (await person.client.get(f"{person.root}/runs", params={"job_id": job["id"]})).json()["items"]
    assert {run["id"] for run in listed} == {run["id"] for run in runs}
    starts = await api.count(
        "SELECT count(*) FROM outbox WHERE kind = 'workflow_start' AND organization_id = :o",
        o=person.organization_id,
    )
    assert starts == 2
    assert len(await api.audited(person.organization_id, "job.started")) == 1
    some = await person.client.post(url, json={"agent_ids": agents[:1]})
    assert [run["agent_id"] for run in some.json()["items"]] == agents[:1]


async def test_same_key_starts_once(api: Api) -> None:
    person = await api.person()
    job = await add_job(api, person)
    url, key = f"{person.root}/jobs/{job['id']}/runs", {"Idempotency-Key": new_id().hex}
    first, again = [await person.client.post(url, headers=key) for _ in range(2)]
    assert first.json() == again.json()
    assert len((await person.client.get(f"{person.root}/runs")).json()["items"]) == 1


async def test_agents_that_can_not_be_started_are_named(api: Api) -> None:
    person = await api.person()
    good, revoked, other = [str(await add_agent(api, person)) for _ in range(3)]
    job = await add_job(api, person, agent_ids=[good, revoked])
    url = f"{person.root}/jobs/{job['id']}/runs"
    async with api.services.database.transaction(person.organization_id) as session:
        revoke = update(Agent).where(Agent.id == UUID(revoked)).values(state=AgentState.REVOKED)
        await session.execute(revoke)
    answer = await person.client.post(url, json={"agent_ids": [good, revoked, other, str(new_id())]})
    assert answer.status_code == 422
    assert problems_of(answer) == [
        ("/agent_ids/1", "run.agent_revoked"),
        ("/agent_ids/2", "run.agent_not_in_job"),
        ("/agent_ids/3", "run.agent_not_in_job"),
    ]
    assert problems_of(await person.client.post(url, json={"agent_ids": []})) == [
        ("/agent_ids", "field.too_few")
    ]
    assert problems_of(await person.client.post(url, json={"agents": []})) == [("/agents", "field.unknown")]
    assert [run["agent_id"] for run in (await person.client.post(url)).json()["items"]] == [good]


async def test_job_without_active_agents_can_not_be_started(api: Api) -> None:
    tenant, person = await estate(api)
    async with api.services.database.transaction(tenant.organization_id) as session:
        await session.execute(
            update(Agent).where(Agent.id == tenant.agent_id).values(state=AgentState.REVOKED)
        )
    answer = await person.client.post(f"{person.root}/jobs/{tenant.job_id}/runs")
    assert (answer.status_code, answer.json()["code"]) == (409, "run.no_active_agent")


async def test_list_is_filtered_and_paged(api: Api) -> None:
    tenant, person = await estate(api)
    failed = await add_run(api, tenant, state=RunState.FAILED, job_id=tenant.job_id)
    restore = await add_run(api, tenant, state=RunState.SUCCEEDED, kind=RunKind.RESTORE)
    everything = [str(restore), str(failed), str(tenant.run_id)]

    async def ids(**params: Any) -> list[str]:
        answer = await person.client.get(f"{person.root}/runs", params=params)
        return [run["id"] for run in answer.json()["items"]]

    assert await ids() == everything
    assert await ids(kind="restore") == everything[:1]
    assert await ids(state="failed") == everything[1:2]
    assert await ids(state=["failed", "succeeded"]) == everything[:2]
    assert await ids(job_id=tenant.job_id) == everything[1:]
    assert await ids(agent_id=tenant.agent_id) == everything
    assert await ids(agent_id=new_id()) == []
    first = (await person.client.get(f"{person.root}/runs", params={"limit": 2})).json()
    assert await ids(limit=2, cursor=first["next_cursor"]) == everything[2:]


@pytest.mark.parametrize(
    ("name", "value"), [("kind", "dream"), ("state", "tired"), ("job_id", "x"), ("limit", 0), ("cursor", "x")]
)
async def test_bad_filters_are_named(api: Api, name: str, value: str | int) -> None:
    person = await api.person()
    answer = await person.client.get(f"{person.root}/runs", params={name: value})
    assert answer.status_code == 422
    assert problems_of(answer)[0][0].startswith(f"query:{name}")


async def test_detail_shows_targets_and_attempts(api: Api) -> None:
    tenant, person = await estate(api)
    own = {
        "organization_id": tenant.organization_id,
        "run_id": tenant.run_id,
        "restic_repository_id": tenant.restic_repository_id,
    }
    async with api.services.database.transaction(tenant.organization_id) as session:
        session.add(RunTarget(**own, state=RunState.FAILED, error_code="no_space", error_message="full"))
        session.add(RunAttempt(**own, attempt=1, result="failed", error_code="no_space"))
    run = (await person.client.get(f"{person.root}/runs/{tenant.run_id}")).json()
    (target,) = run["targets"]
    assert target["repository_id"] == str(tenant.repository_id)
    assert (target["error"]["code"], target["error"]["detail"]) == ("no_space", "full")
    (attempt,) = run["attempts"]
    assert (attempt["attempt"], attempt["result"]) == (1, "failed")
    assert run["snapshot_id"] == str(tenant.snapshot_id)


async def set_tickets(api: Api, tenant: Tenant, state: TicketState) -> None:
    """Of the tenant's run."""
    async with api.services.database.transaction(tenant.organization_id) as session:
        mine = update(AdmissionTicket).where(AdmissionTicket.run_id == tenant.run_id)
        await session.execute(mine.values(state=state))


async def test_waiting_run_says_why(api: Api) -> None:
    tenant, person = await estate(api)
    url = f"{person.root}/runs/{tenant.run_id}"

    async def wait() -> dict[str, object]:
        answer = await person.client.get(url)
        return answer.json()["wait"]  # type: ignore[no-any-return]  # JSON

    await change_run(api, tenant, waiting_for="start")
    assert (await wait())["code"] == "run.waits_agent"
    async with api.services.database.transaction(tenant.organization_id) as session:
        await session.execute(update(Agent).where(Agent.id == tenant.agent_id).values(connected=True))
    assert (await wait())["code"] == "run.waits_start"
    holder = await add_run(api, tenant)
    await add_ticket(api, tenant, holder, TicketState.GRANTED, ClaimMode.EXCLUSIVE)
    await add_ticket(api, tenant, await add_run(api, tenant), TicketState.WAITING)
    await add_ticket(api, tenant, tenant.run_id, TicketState.WAITING)
    found = await wait()
    assert found["code"] == "run.waits_repository"
    assert (found["queue_position"], found["queue_length"]) == (2, 2)
    assert found["blocked_by"] == [str(holder)]
    assert "2" in str(found["message"])
    await set_tickets(api, tenant, TicketState.GRANTED)
    assert await wait() is not None
    at = datetime.now(UTC) + timedelta(minutes=5)
    await change_run(api, tenant, waiting_for="retry", retry_at=at)
    found = await wait()
    assert found["code"] == "run.waits_retry"
    assert datetime.fromisoformat(str(found["retry_at"])) == at
    await change_run(api, tenant, waiting_for="repository_full", retry_at=at)
    found = await wait()
    assert (found["code"], found["retry_at"] is None) == ("run.waits_full", False)
    await set_tickets(api, tenant, TicketState.WAITING)
    found = await wait()
    assert found["code"] == "run.waits_repository", "there was a pause, now it waits for its new ticket"
    assert (found["queue_position"], found["queue_length"]) == (2, 2)
    await change_run(api, tenant, state=RunState.SUCCEEDED)
    assert await wait() is None


async def test_shared_holders_do_not_block_a_shared_claim(api: Api) -> None:
    tenant, person = await estate(api)
    await add_ticket(api, tenant, await add_run(api, tenant), TicketState.GRANTED)
    await add_ticket(api, tenant, tenant.run_id, TicketState.WAITING)
    wait = (await person.client.get(f"{person.root}/runs/{tenant.run_id}")).json()["wait"]
    assert (wait["code"], wait["queue_position"], wait["blocked_by"]) == ("run.waits_admission", 1, [])


async def test_offline_agent_is_told_with_since_when(api: Api) -> None:
    tenant, person = await estate(api)
    since = datetime.now(UTC) - timedelta(hours=3)
    async with api.services.database.transaction(tenant.organization_id) as session:
        await session.execute(update(Agent).where(Agent.id == tenant.agent_id).values(last_seen_at=since))
    wait = (await person.client.get(f"{person.root}/runs/{tenant.run_id}")).json()["wait"]
    assert wait["code"] == "run.waits_agent"
    assert "machine" in wait["message"]
    assert datetime.fromisoformat(wait["agent_offline_since"]) == since


async def test_cancel_is_taken_up_once_and_refused_at_the_end(api: Api) -> None:
    tenant, person = await estate(api, Role.OPERATOR)
    url = f"{person.root}/runs/{tenant.run_id}/cancel"
    for _ in range(2):
        answer = await person.client.post(url)
        assert answer.status_code == 202
        assert answer.json()["cancel_requested_at"] is not None
        assert answer.json()["wait"]["code"] == "run.waits_cancel"
    signals = await api.count(
        "SELECT count(*) FROM outbox WHERE kind = 'workflow_signal' AND aggregate = :run",
        run=f"run:{tenant.run_id.hex}",
    )
    assert signals == 1
    await change_run(api, tenant, state=RunState.CANCELLED)
    refused = await person.client.post(url)
    assert (refused.status_code, refused.json()["code"]) == (409, "run.already_final")


async def test_warnings_are_paged_in_order_with_exact_paths(api: Api) -> None:
    tenant, person = await estate(api)
    command_id, raw = f"{tenant.run_id.hex}.backup.{new_id().hex}", b"/srv/bad\xffname"
    own = {"organization_id": tenant.organization_id, "run_id": tenant.run_id}
    async with api.services.database.transaction(tenant.organization_id) as session:
        session.add(
            Command(
                id=command_id,
                agent_id=tenant.agent_id,
                restic_repository_id=tenant.restic_repository_id,
                attempt=1,
                body={},
                workflow_id="w",
                activity_id="a",
                ordered_at=datetime.now(UTC),
                **own,
            )
        )
        for position in range(5):
            path = (
                {"path": raw.decode("utf-8", "replace"), "path_raw": raw} if position == 0 else {"path": "/x"}
            )
            said = {"code": "unreadable", "message": "permission denied"}
            session.add(
                RunWarning(command_id=command_id, attempt=1, position=position, **path, **said, **own)
            )
            await session.flush()
    url, items, cursor = f"{person.root}/runs/{tenant.run_id}/warnings", [], None
    while True:
        page = (
            await person.client.get(url, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        ).json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [one["position"] for one in items] == [0, 1, 2, 3, 4]
    assert items[0]["path"] == "/srv/bad\ufffdname"
    assert base64.b64decode(items[0]["path_raw"]) == raw
    assert items[1]["path_raw"] is None
    assert {one["restic_repository_id"] for one in items} == {str(tenant.restic_repository_id)}


async def test_another_organizations_run_does_not_exist(api: Api) -> None:
    tenant, owner = await estate(api)
    stranger = await api.person()
    for root in (owner.root, stranger.root):
        url = f"{root}/runs/{tenant.run_id}"
        answers = [await stranger.client.get(f"{url}{path}") for path in ("", "/warnings", "/events")]
        answers.append(await stranger.client.post(f"{url}/cancel"))
        assert {answer.status_code for answer in answers} == {404}
    assert (await stranger.client.get(f"{stranger.root}/runs")).json()["items"] == []
    assert (await owner.client.get(f"{owner.root}/runs/{tenant.run_id}")).status_code == 200


async def test_auditors_look_and_do_not_cancel(api: Api) -> None:
    tenant, auditor = await estate(api, Role.AUDITOR)
    assert (await auditor.client.get(f"{auditor.root}/runs/{tenant.run_id}")).status_code == 200
    assert (await auditor.client.post(f"{auditor.root}/runs/{tenant.run_id}/cancel")).status_code == 403


async def test_agent_of_another_job_is_not_started(api: Api) -> None:
    tenant, person = await estate(api)
    async with api.services.database.transaction(tenant.organization_id) as session:
        assert (
            await session.get(JobAgent, (tenant.organization_id, tenant.job_id, tenant.agent_id)) is not None
        )
    other = str(await add_agent(api, person))
    answer = await person.client.post(f"{person.root}/jobs/{tenant.job_id}/runs", json={"agent_ids": [other]})
    assert problems_of(answer) == [("/agent_ids/0", "run.agent_not_in_job")]


async def another_place(session: AsyncSession, tenant: Tenant) -> UUID:
    """A second restic repository for the run to write to."""
    (known,) = await session.scalars(select(ResticRepository))
    place_id, secrets = (
        new_id(),
        {"cp_secret_id": known.cp_secret_id, "agent_secret_id": known.agent_secret_id},
    )
    own = {"organization_id": tenant.organization_id, "repository_id": known.repository_id}
    session.add(ResticRepository(id=place_id, path=f"{known.path}-2", state=known.state, **own, **secrets))
    await session.flush()
    return place_id


async def test_a_listed_run_says_how_much_it_read_and_what_it_added_everywhere(api: Api) -> None:
    tenant, person = await estate(api)
    own = {"organization_id": tenant.organization_id, "run_id": tenant.run_id}

    async def listed() -> tuple[int | None, int | None]:
        (found,) = (await person.client.get(f"{person.root}/runs")).json()["items"]
        return found["bytes_processed"], found["bytes_added"]

    assert await listed() == (None, None)
    async with api.services.database.transaction(tenant.organization_id) as session:
        places = [tenant.restic_repository_id, await another_place(session, tenant)]
        for place, added in zip(places, (3_000_000_000, 7), strict=True):
            result = {"bytes_processed": 5_000_000_000, "bytes_added": added}
            session.add(RunTarget(**own, restic_repository_id=place, result=result))
    assert await listed() == (5_000_000_000, 3_000_000_007)
    detail = (await person.client.get(f"{person.root}/runs/{tenant.run_id}")).json()
    assert (detail["bytes_processed"], detail["bytes_added"]) == (5_000_000_000, 3_000_000_007)
    async with api.services.database.transaction(tenant.organization_id) as session:
        await session.execute(delete(RunTarget).where(RunTarget.restic_repository_id == places[1]))
        await session.execute(update(RunTarget).values(result={"bytes_restored": 11}))
    assert await listed() == (11, None)
