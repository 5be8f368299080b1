"""Organizations: who sees, makes and renames them."""

from uuid import uuid4

import pytest

from sbs_server.models import Role
from sbs_server.testing.api import Api

PATH = "/api/v1/organizations"


async def test_member_lists_their_own_and_no_other(api: Api) -> None:
    one, other = await api.person(Role.AUDITOR), await api.person()
    listed = (await one.client.get(PATH)).json()
    assert [(item["id"], item["role"]) for item in listed["items"]] == [(str(one.organization_id), "auditor")]
    assert str(other.organization_id) in (await other.client.get(PATH)).text


async def test_platform_operator_creates_and_reads_it(api: Api) -> None:
    operator = await api.person(None, is_platform_operator=True)
    name = f"new {uuid4().hex}"
    made = await operator.client.post(PATH, json={"name": f"  {name} "})
    assert (made.status_code, made.json()["name"], made.json()["role"]) == (201, name, None)
    assert made.headers["location"] == f"{PATH}/{made.json()['id']}"
    read = await operator.client.get(made.headers["location"])
    assert read.json() == made.json()
    assert read.headers["etag"] == made.headers["etag"]
    audited = await api.audited(made.json()["id"], "organization.created")
    assert [entry.actor_id for entry in audited] == [str(operator.user_id)]


async def test_creator_may_become_administrator(api: Api) -> None:
    operator = await api.person(None, is_platform_operator=True)
    body = {"name": f"own {uuid4().hex}", "become_administrator": True}
    made = (await operator.client.post(PATH, json=body)).json()
    assert made["role"] == "org_admin"
    assert (await operator.client.get(f"{PATH}/{made['id']}/agents")).status_code == 200


async def test_member_may_not_create_and_the_denial_is_audited(api: Api) -> None:
    person = await api.person()
    answer = await person.client.post(PATH, json={"name": "mine"})
    assert (answer.status_code, answer.json()["code"]) == (403, "request.forbidden_platform")
    entry = (await api.audited(None, "organizations_create"))[-1]
    assert (entry.result, entry.actor_id) == ("denied", str(person.user_id))


async def test_taken_name_is_a_conflict_on_the_name(api: Api) -> None:
    operator = await api.person(None, is_platform_operator=True)
    name = f"taken {uuid4().hex}"
    assert (await operator.client.post(PATH, json={"name": name})).status_code == 201
    answer = await operator.client.post(PATH, json={"name": name})
    assert answer.status_code == 409
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("/name", "organization.name_taken")
    ]


async def test_repeated_creation_with_a_key_happens_once(api: Api) -> None:
    operator = await api.person(None, is_platform_operator=True)
    body, headers = {"name": f"once {uuid4().hex}"}, {"Idempotency-Key": uuid4().hex}
    first = await operator.client.post(PATH, json=body, headers=headers)
    second = await operator.client.post(PATH, json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["location"] == first.headers["location"]


async def test_key_of_another_request_is_a_conflict(api: Api) -> None:
    operator = await api.person(None, is_platform_operator=True)
    headers = {"Idempotency-Key": uuid4().hex}
    await operator.client.post(PATH, json={"name": f"a {uuid4().hex}"}, headers=headers)
    answer = await operator.client.post(PATH, json={"name": f"b {uuid4().hex}"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "request.idempotency_key_reused")


async def test_foreign_organization_does_not_exist(api: Api) -> None:
    one, other = await api.person(), await api.person()
    for path in (one.root, f"{one.root}/agents", f"{one.root}/enrolment-tokens"):
        assert (await one.client.get(path)).status_code == 200
        foreign, missing = (
            await other.client.get(path),
            await other.client.get(path.replace(str(one.organization_id), str(uuid4()))),
        )
        assert (foreign.status_code, missing.status_code) == (404, 404)
        assert {**foreign.json(), "request_id": None} == {**missing.json(), "request_id": None}


async def test_administrator_renames_with_the_version_they_read(api: Api) -> None:
    person = await api.person()
    read = await person.client.get(person.root)
    name, headers = f"renamed {uuid4().hex}", {"If-Match": read.headers["etag"]}
    answer = await person.client.patch(person.root, json={"name": name}, headers=headers)
    assert (answer.status_code, answer.json()["name"]) == (200, name)
    assert answer.headers["etag"] != read.headers["etag"]
    stale = await person.client.patch(person.root, json={"name": "again"}, headers=headers)
    assert (stale.status_code, stale.json()["code"]) == (412, "request.changed_meanwhile")
    missing = await person.client.patch(person.root, json={"name": "again"})
    assert (missing.status_code, missing.json()["code"]) == (428, "request.if_match_required")


async def test_rename_to_a_taken_name_changes_nothing(api: Api) -> None:
    person = await api.person()
    name = f"occupied {uuid4().hex}"
    await api.organization(name)
    before = await person.client.get(person.root)
    headers = {"If-Match": before.headers["etag"]}
    answer = await person.client.patch(person.root, json={"name": name}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/name")
    assert (await person.client.get(person.root)).json() == before.json()


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
async def test_others_may_not_rename_and_the_denial_is_in_the_organizations_log(api: Api, role: Role) -> None:
    person = await api.person(role)
    answer = await person.client.patch(person.root, json={"name": "x"}, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (403, "request.forbidden")
    entry = (await api.audited(person.organization_id, "organizations_rename"))[-1]
    assert (entry.result, entry.actor_id, entry.details["code"]) == (
        "denied",
        str(person.user_id),
        "request.forbidden",
    )


async def test_list_is_paged_without_gaps_and_repeats(api: Api) -> None:
    operator = await api.person(None, is_platform_operator=True)
    made = [str(await api.organization()) for _ in range(5)]
    seen: list[str] = []
    path: str | None = f"{PATH}?limit=2"
    while path is not None and not set(made) <= set(seen):
        page = (await operator.client.get(path)).json()
        seen += [item["id"] for item in page["items"]]
        path = page["next_cursor"] and f"{PATH}?limit=2&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen))
    assert [entry for entry in seen if entry in made] == made[::-1]


@pytest.mark.parametrize("cursor", ["x", "eyJ2IjoyfQ", "%00", "eyJ2IjoxLCJpZCI6IjEnIE9SIDE9MSJ9", "bnVsbA"])
async def test_tampered_cursor_is_refused(api: Api, cursor: str) -> None:
    person = await api.person()
    answer = await person.client.get(f"{PATH}?cursor={cursor}")
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("query:cursor", "request.cursor")
    ]
