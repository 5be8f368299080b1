"""`/repositories` over HTTP, as `sbs_app` with row-level security."""

import shutil
from uuid import UUID

import pytest

from sbs_server.kit.ids import new_id
from sbs_server.models import ResticRepository, ResticRepositoryState, Role, Secret
from sbs_server.repositories.markers import MARKER, Marker, read_marker, write_marker
from sbs_server.testing.api import Api
from sbs_server.testing.database import make_tenant
from sbs_server.testing.estate import add_agent, add_job, add_repository, problems_of, storage_root


async def test_created_repository_can_be_read_back(api: Api) -> None:
    person, path = await api.person(), storage_root(api) / new_id().hex / "deep"
    made = await person.client.post(f"{person.root}/repositories", json={"name": " Main ", "path": str(path)})
    assert made.status_code == 201
    body = made.json()
    assert (body["name"], body["kind"], body["layout"], body["path"]) == (
        "Main",
        "local",
        "per_agent",
        str(path),
    )
    assert body["problem"] is None
    assert 0 < body["free_bytes"] <= body["total_bytes"]
    read = await person.client.get(made.headers["location"])
    assert read.json() | {"free_bytes": 0} == body | {"free_bytes": 0}
    assert read.headers["etag"] == made.headers["etag"] == '"1"'
    listed = (await person.client.get(f"{person.root}/repositories")).json()
    assert [one["id"] for one in listed["items"]] == [body["id"]]
    assert read_marker(path) == Marker(UUID(body["id"]), person.organization_id)
    (entry,) = await api.audited(person.organization_id, "repository.created")
    assert entry.details == {"name": "Main", "path": str(path)}


async def test_restic_repositories_are_shown_with_agent_and_state(api: Api) -> None:
    person = await api.person()
    repository_id, agent_id = await add_repository(api, person), await add_agent(api, person)
    organization_id = person.organization_id
    async with api.services.database.transaction(organization_id) as session:
        secret = Secret(
            organization_id=organization_id, purpose="t", kek_id="-", wrapped_key=b"", ciphertext=b""
        )
        session.add(secret)
        await session.flush()
        session.add(
            ResticRepository(
                organization_id=organization_id,
                repository_id=repository_id,
                agent_id=agent_id,
                path="/x",
                state=ResticRepositoryState.QUARANTINED,
                state_reason="wrong password",
                cp_secret_id=secret.id,
            )
        )
    (below,) = (await person.client.get(f"{person.root}/repositories/{repository_id}")).json()[
        "restic_repositories"
    ]
    assert (below["agent_id"], below["state"]) == (str(agent_id), "quarantined")
    assert below["state_reason"] == "wrong password"


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
async def test_only_administrators_make_repositories(api: Api, role: Role) -> None:
    person = await api.person(role)
    body = {"name": "x", "path": str(storage_root(api) / "x")}
    assert (await person.client.post(f"{person.root}/repositories", json=body)).status_code == 403
    assert (await person.client.get(f"{person.root}/repositories")).status_code == 200


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"path": "relative"}, "/path", "repository.path_not_absolute"),
        ({"path": "/etc/sbs"}, "/path", "repository.path_outside_roots"),
        ({"path": "{root}/../x"}, "/path", "repository.path_not_plain"),
        ({"path": 5}, "/path", "field.not_text"),
        ({"path": "/" + "x" * 1024}, "/path", "field.too_long"),
        ({"name": "  "}, "/name", "field.too_short"),
        ({"name": "a\u0007b"}, "/name", "request.control"),
        ({"name": "x" * 101}, "/name", "field.too_long"),
        ({"kind": "s3"}, "/kind", "field.not_one_of"),
        ({"color": "red"}, "/color", "field.unknown"),
    ],
)
async def test_each_bad_field_is_named(api: Api, change: dict[str, object], pointer: str, code: str) -> None:
    person, root = await api.person(), storage_root(api)
    body = {"name": "x", "path": str(root / new_id().hex), **change}
    body["path"] = (
        str(body["path"]).replace("{root}", str(root)) if isinstance(body["path"], str) else body["path"]
    )
    answer = await person.client.post(f"{person.root}/repositories", json=body)
    assert answer.status_code == 422
    assert (pointer, code) in problems_of(answer)


async def test_allowed_roots_are_named_in_both_languages(api: Api) -> None:
    person = await api.person()
    for locale, word in (("en", "Choose"), ("ru", "Выберите")):
        speaker = await api.person(organization_id=person.organization_id, locale=locale)
        answer = await speaker.client.post(
            f"{person.root}/repositories", json={"name": "x", "path": "/etc/x"}
        )
        (error,) = answer.json()["errors"]
        assert str(storage_root(api)) in error["hint"]
        assert error["hint"].startswith(word)


async def test_missing_field_is_named(api: Api) -> None:
    person = await api.person()
    answer = await person.client.post(f"{person.root}/repositories", json={})
    assert set(problems_of(answer)) == {("/name", "field.missing"), ("/path", "field.missing")}


async def test_refused_folder_leaves_no_row_and_no_folder(api: Api) -> None:
    person, path = await api.person(), storage_root(api) / new_id().hex
    path.mkdir()
    (path / "letter").write_text("mine")
    for target, code in ((path, "holds_other"), (path / "letter" / "x", "not_folder")):
        answer = await person.client.post(
            f"{person.root}/repositories", json={"name": "x", "path": str(target)}
        )
        assert problems_of(answer) == [("/path", f"repository.path_{code}")]
    assert (await person.client.get(f"{person.root}/repositories")).json()["items"] == []
    assert [entry.name for entry in path.iterdir()] == ["letter"]


async def test_folder_of_another_repository_is_refused_whosever_it_is(api: Api) -> None:
    owner, other = await api.person(), await api.person()
    path = storage_root(api) / new_id().hex
    made = await owner.client.post(f"{owner.root}/repositories", json={"name": "a", "path": str(path)})
    assert made.status_code == 201
    cases = [
        (owner, path, "path_taken"),
        (other, path, "path_claimed"),
        (owner, path / "inner", "path_nested"),
        (other, path / "inner", "path_nested"),
    ]
    for person, target, code in cases:
        answer = await person.client.post(
            f"{person.root}/repositories", json={"name": "b", "path": str(target)}
        )
        assert problems_of(answer) == [("/path", f"repository.{code}")]
        assert not (path / "inner").exists()


async def test_folder_around_another_repository_is_refused_whosever_it_is(api: Api) -> None:
    owner, other = await api.person(), await api.person()
    path = storage_root(api) / new_id().hex
    made = await owner.client.post(f"{owner.root}/repositories", json={"name": "a", "path": f"{path}/inner"})
    assert made.status_code == 201
    for person in (owner, other):
        answer = await person.client.post(
            f"{person.root}/repositories", json={"name": "b", "path": str(path)}
        )
        assert problems_of(answer) == [("/path", "repository.path_around")]


async def test_mark_of_a_creation_that_was_cut_off_is_no_hindrance(api: Api) -> None:
    person, path = await api.person(), storage_root(api) / new_id().hex
    path.mkdir()
    write_marker(path, Marker(new_id(), person.organization_id))
    made = await person.client.post(f"{person.root}/repositories", json={"name": "a", "path": str(path)})
    assert made.status_code == 201


async def test_same_name_twice_is_a_conflict_on_the_name(api: Api) -> None:
    person = await api.person()
    await add_repository(api, person, "twice")
    path = storage_root(api) / new_id().hex
    answer = await person.client.post(
        f"{person.root}/repositories", json={"name": "twice", "path": str(path)}
    )
    assert answer.status_code == 409
    assert problems_of(answer) == [("/name", "repository.name_taken")]
    assert not path.exists()


async def test_test_says_which_step_failed_and_leaves_nothing(api: Api) -> None:
    person, path = await api.person(), storage_root(api) / new_id().hex
    url = f"{person.root}/repositories/test"
    good = (await person.client.post(url, json={"path": str(path)})).json()
    assert good["ok"]
    assert [step["step"] for step in good["steps"]] == [
        "reach",
        "empty",
        "create",
        "write",
        "read_back",
        "delete",
    ]
    assert good["free_bytes"] > 0
    assert not path.exists()
    path.mkdir()
    (path / "letter").touch()
    bad = (await person.client.post(url, json={"path": str(path)})).json()
    assert not bad["ok"]
    assert [(step["step"], step["ok"]) for step in bad["steps"]] == [("reach", True), ("empty", False)]
    assert bad["steps"][-1]["problem"]["code"] == "repository.path_holds_other"
    outside = (await person.client.post(url, json={"path": "/etc/x"})).json()
    assert outside["steps"][-1]["problem"]["code"] == "repository.path_outside_roots"


async def test_rename_needs_the_version_and_keeps_names_apart(api: Api) -> None:
    person = await api.person()
    await add_repository(api, person, "first")
    url = f"{person.root}/repositories/{await add_repository(api, person, 'second')}"
    assert (await person.client.patch(url, json={"name": "x"})).status_code == 428
    assert (
        await person.client.patch(url, json={"name": "x"}, headers={"If-Match": '"7"'})
    ).status_code == 412
    taken = await person.client.patch(url, json={"name": "first"}, headers={"If-Match": '"1"'})
    assert (taken.status_code, problems_of(taken)) == (409, [("/name", "repository.name_taken")])
    renamed = await person.client.patch(url, json={"name": "third"}, headers={"If-Match": '"1"'})
    assert (renamed.status_code, renamed.json()["name"], renamed.headers["etag"]) == (200, "third", '"2"')
    moved = await person.client.patch(url, json={"path": "/x"}, headers={"If-Match": '"2"'})
    assert ("/path", "field.unknown") in problems_of(moved)


async def test_storage_that_vanished_is_told(api: Api) -> None:
    person, path = await api.person(), storage_root(api) / new_id().hex
    made = await person.client.post(f"{person.root}/repositories", json={"name": "a", "path": str(path)})
    (path / MARKER).unlink()
    found = (await person.client.get(made.headers["location"])).json()
    assert (found["problem"]["code"], found["free_bytes"]) == ("repository.path_foreign", None)
    shutil.rmtree(path)
    found = (await person.client.get(made.headers["location"])).json()
    assert found["problem"]["code"] == "repository.path_missing"


async def test_delete_is_refused_while_a_job_uses_it(api: Api) -> None:
    person = await api.person()
    repository_id = await add_repository(api, person)
    job = await add_job(api, person, name="nightly", repository_ids=[str(repository_id)])
    url = f"{person.root}/repositories/{repository_id}"
    refused = await person.client.delete(url)
    assert (refused.status_code, refused.json()["code"]) == (409, "repository.used_by_jobs")
    assert "nightly" in refused.json()["detail"]
    assert (await person.client.delete(f"{person.root}/jobs/{job['id']}")).status_code == 204
    assert (await person.client.delete(url)).status_code == 204
    assert (await person.client.get(url)).status_code == 404
    assert (await person.client.delete(url)).status_code == 404


async def test_name_and_empty_folder_of_a_deleted_one_can_be_used_again(api: Api) -> None:
    person, path = await api.person(), storage_root(api) / new_id().hex
    for _ in range(2):
        made = await person.client.post(f"{person.root}/repositories", json={"name": "a", "path": str(path)})
        assert made.status_code == 201
        assert (await person.client.delete(made.headers["location"])).status_code == 204


async def test_delete_is_refused_while_it_holds_snapshots(api: Api) -> None:
    tenant = await make_tenant(api.services.database)
    person = await api.person(organization_id=tenant.organization_id)
    await person.client.delete(f"{person.root}/jobs/{tenant.job_id}")
    refused = await person.client.delete(f"{person.root}/repositories/{tenant.repository_id}")
    assert (refused.status_code, refused.json()["code"]) == (409, "repository.holds_snapshots")


async def test_another_organizations_repository_does_not_exist(api: Api) -> None:
    owner, stranger = await api.person(), await api.person()
    repository_id = await add_repository(api, owner)
    for root, status in ((owner.root, 404), (stranger.root, 404)):
        url = f"{root}/repositories/{repository_id}"
        assert (await stranger.client.get(url)).status_code == status
        assert (await stranger.client.delete(url)).status_code == status
        renamed = await stranger.client.patch(url, json={"name": "x"}, headers={"If-Match": "*"})
        assert renamed.status_code == status
    assert (await stranger.client.get(f"{stranger.root}/repositories")).json()["items"] == []
    assert (await owner.client.get(f"{owner.root}/repositories/{repository_id}")).status_code == 200


async def test_list_is_paged_newest_first(api: Api) -> None:
    person = await api.person()
    made = [str(await add_repository(api, person, f"r{number}")) for number in range(3)]
    first = (await person.client.get(f"{person.root}/repositories", params={"limit": 2})).json()
    rest = await person.client.get(f"{person.root}/repositories", params={"cursor": first["next_cursor"]})
    assert [one["id"] for one in first["items"] + rest.json()["items"]] == made[::-1]
    assert rest.json()["next_cursor"] is None
    broken = await person.client.get(f"{person.root}/repositories", params={"cursor": "x"})
    assert problems_of(broken) == [("query:cursor", "request.cursor")]


async def test_idempotent_creation_happens_once(api: Api) -> None:
    person, path = await api.person(), storage_root(api) / new_id().hex
    body, key = {"name": "once", "path": str(path)}, {"Idempotency-Key": new_id().hex}
    answers = [
        await person.client.post(f"{person.root}/repositories", json=body, headers=key) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
