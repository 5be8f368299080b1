"""Acts of people are told to whoever follows the organization, in the transaction of the act itself."""

from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select

from sbs_server.models import Outbox, OutboxKind
from sbs_server.testing.api import Api, Person
from sbs_server.testing.estate import add_agent, add_job, add_repository


async def told(api: Api, person: Person, kind: str, key: str) -> list[str]:
    """What was told of an object since it is there, in order; each with the organization and the object's id."""
    name = UUID(key).hex
    async with api.system.transaction() as session:
        found = select(Outbox).where(
            Outbox.aggregate == f"{kind}:{name}",
            Outbox.kind == OutboxKind.EVENT,
            Outbox.organization_id == person.organization_id,
        )
        rows = (await session.scalars(found.order_by(Outbox.id))).all()
    assert {row.payload["data"][f"{kind}_id"] for row in rows} <= {name}
    return [row.payload["type"] for row in rows]


async def act(person: Person, method: str, path: str, **body: Any) -> httpx.Response:
    headers = {"If-Match": "*"}
    answer = await person.client.request(method, f"{person.root}/{path}", json=body or None, headers=headers)
    assert answer.is_success, answer.text
    return answer


async def test_each_change_of_a_job_is_told(api: Api) -> None:
    person = await api.person()
    key = (await add_job(api, person))["id"]
    await act(person, "PATCH", f"jobs/{key}", keep_last=5)
    await act(person, "POST", f"jobs/{key}/pause")
    await act(person, "POST", f"jobs/{key}/pause")
    await act(person, "POST", f"jobs/{key}/resume")
    await act(person, "DELETE", f"jobs/{key}")
    acts = ("created", "edited", "paused", "resumed", "deleted")
    assert await told(api, person, "job", key) == [f"job.{one}.v1" for one in acts]


async def test_what_was_refused_is_not_told(api: Api) -> None:
    person = await api.person()
    job = await add_job(api, person, name="taken")
    other = await add_job(api, person)
    url = f"{person.root}/jobs/{other['id']}"
    answer = await person.client.patch(url, json={"name": job["name"]}, headers={"If-Match": "*"})
    assert answer.status_code == 409
    assert await told(api, person, "job", other["id"]) == ["job.created.v1"]


async def test_each_change_of_a_repository_is_told(api: Api) -> None:
    person = await api.person()
    key = str(await add_repository(api, person))
    await act(person, "PATCH", f"repositories/{key}", name="another")
    await act(person, "DELETE", f"repositories/{key}")
    acts = ("created", "changed", "deleted")
    assert await told(api, person, "repository", key) == [f"repository.{one}.v1" for one in acts]


async def test_each_change_of_an_agent_is_told(api: Api) -> None:
    person = await api.person()
    key = str(await add_agent(api, person))
    await act(person, "PATCH", f"agents/{key}", name="another")
    await act(person, "POST", f"agents/{key}/revoke")
    assert await told(api, person, "agent", key) == ["agent.changed.v1", "agent.revoked.v1"]


async def test_each_change_of_an_enrolment_token_is_told(api: Api) -> None:
    person = await api.person()
    key = (await act(person, "POST", "enrolment-tokens", name="laptops")).json()["id"]
    for _ in range(2):
        await act(person, "POST", f"enrolment-tokens/{key}/revoke")
    acts = ("created", "revoked")
    assert await told(api, person, "enrolment_token", key) == [f"enrolment_token.{one}.v1" for one in acts]


async def test_run_that_is_started_and_cancelled_is_told_with_its_job_and_agent(api: Api) -> None:
    person = await api.person()
    job = await add_job(api, person)
    (run,) = (await act(person, "POST", f"jobs/{job['id']}/runs")).json()["items"]
    await act(person, "POST", f"runs/{run['id']}/cancel")
    assert await told(api, person, "run", run["id"]) == ["run.changed.v1"] * 2
    async with api.system.transaction() as session:
        row = (
            await session.scalars(
                select(Outbox).where(
                    Outbox.aggregate == f"run:{UUID(run['id']).hex}", Outbox.kind == OutboxKind.EVENT
                )
            )
        ).first()
    assert row is not None
    assert row.payload["data"]["job_id"] == UUID(job["id"]).hex
    assert row.payload["data"]["agent_id"] == UUID(job["agent_ids"][0]).hex
