"""`/jobs` over HTTP, as `sbs_app` with row-level security."""

from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import text

from sbs_server.kit.ids import new_id
from sbs_server.models import AgentState, Role
from sbs_server.testing.api import Api
from sbs_server.testing.estate import add_agent, add_job, add_repository, job_body, problems_of


async def synced(api: Api, job_id: str) -> int:
    """How many times the relay was told to look at the job's schedule."""
    return await api.count(
        "SELECT count(*) FROM outbox WHERE kind = 'schedule_sync' AND aggregate = :aggregate"
        " AND payload ->> 'job_id' = :job",
        aggregate=f"job:{UUID(job_id).hex}",
        job=UUID(job_id).hex,
    )


async def test_created_job_can_be_read_back(api: Api) -> None:
    person = await api.person(Role.OPERATOR)
    administrator = await api.person(organization_id=person.organization_id)
    body = await job_body(
        api,
        administrator,
        name="  nightly ",
        sources=["/srv/documents", "C:\\Users", "\\\\server\\share\\x"],
        includes=["*.txt"],
        excludes=["**/cache", "*.tmp"],
        cron=" 30 2  * * MON-FRI ",
        time_zone="Europe/Berlin",
        keep_last=7,
        compression="max",
    )
    made = await person.client.post(f"{person.root}/jobs", json=body)
    assert made.status_code == 201, made.text
    job = made.json()
    assert job["name"] == "nightly"
    assert job["cron"] == "30 2 * * MON-FRI"
    for name in (
        "sources",
        "includes",
        "excludes",
        "agent_ids",
        "repository_ids",
        "time_zone",
        "keep_last",
        "compression",
    ):
        assert job[name] == body[name]
    assert (job["paused"], job["version"], made.headers["etag"]) == (False, 1, '"1"')
    assert (await person.client.get(made.headers["location"])).json() == job
    listed = (await person.client.get(f"{person.root}/jobs")).json()["items"]
    assert listed == [
        {name: value for name, value in job.items() if name not in {"next_runs", "schedule_notes"}}
    ]
    assert await synced(api, job["id"]) == 1
    (entry,) = await api.audited(person.organization_id, "job.created")
    assert entry.actor_id == str(person.user_id)


async def test_next_runs_are_five_in_the_time_zone_and_clock_changes_are_noted(api: Api) -> None:
    person = await api.person(locale="ru")
    job = await add_job(api, person, cron="30 2 * * *", time_zone="Europe/Berlin")
    times = [datetime.fromisoformat(one) for one in job["next_runs"]]
    assert len(times) == 5
    assert {(at.hour, at.minute) for at in times} == {(2, 30)}
    assert {note["code"] for note in job["schedule_notes"]} == {"job.clock_skips", "job.clock_repeats"}
    assert "часы переводят" in " ".join(note["message"] for note in job["schedule_notes"])


async def test_job_without_schedule_or_paused_has_no_next_runs(api: Api) -> None:
    person = await api.person()
    assert (await add_job(api, person))["next_runs"] == []
    assert (await add_job(api, person, cron="0 1 * * *", paused=True))["next_runs"] == []


BAD = [
    ({"name": ""}, "/name", "field.too_short"),
    ({"compression": "zip"}, "/compression", "field.not_one_of"),
    ({"compression": None}, "/compression", "field.not_one_of"),
    ({"name": "a\nb"}, "/name", "request.control"),
    ({"sources": []}, "/sources", "field.too_few"),
    ({"sources": ["/x"] * 65}, "/sources", "field.too_many"),
    ({"sources": ["/x", "/x"]}, "/sources", "job.listed_twice"),
    ({"sources": "/x"}, "/sources", "field.not_list"),
    ({"sources": ["relative/x"]}, "/sources/0", "job.path_not_absolute"),
    ({"sources": ["/ok", "C:relative"]}, "/sources/1", "job.path_not_absolute"),
    ({"sources": ["/ok", "/a/../b"]}, "/sources/1", "job.path_not_plain"),
    ({"sources": ["C:\\a\\..\\b"]}, "/sources/0", "job.path_not_plain"),
    ({"sources": ["C:\\a*"]}, "/sources/0", "job.path_not_windows"),
    ({"sources": ["/a\u0000b"]}, "/sources/0", "request.control"),
    ({"sources": ["/" + "x" * 4096]}, "/sources/0", "field.too_long"),
    ({"includes": [""]}, "/includes/0", "field.too_short"),
    ({"excludes": ["*"] * 257}, "/excludes", "field.too_many"),
    ({"excludes": ["*.tmp", "[a-"]}, "/excludes/1", "job.mask_invalid"),
    ({"excludes": [f"{n:02}{'x' * 998}" for n in range(21)]}, "/excludes", "job.masks_too_long"),
    ({"excludes": ["x\u001by"]}, "/excludes/0", "request.control"),
    ({"agent_ids": []}, "/agent_ids", "field.too_few"),
    ({"agent_ids": ["x"]}, "/agent_ids/0", "field.not_id"),
    ({"repository_ids": []}, "/repository_ids", "field.too_few"),
    ({"repository_ids": [str(new_id()) for _ in range(5)]}, "/repository_ids", "field.too_many"),
    ({"repository_ids": [str(new_id())]}, "/repository_ids/0", "job.repository_unknown"),
    ({"agent_ids": [str(new_id())]}, "/agent_ids/0", "job.agent_unknown"),
    ({"cron": "soon"}, "/cron", "job.cron_fields"),
    ({"cron": "0 25 * * *"}, "/cron", "job.cron_hour"),
    ({"cron": "0 0 31 2 *"}, "/cron", "job.cron_never"),
    ({"cron": 5}, "/cron", "field.not_text"),
    ({"time_zone": "Mars/Base"}, "/time_zone", "job.time_zone_unknown"),
    ({"keep_last": 0}, "/keep_last", "field.too_small"),
    ({"keep_last": 10_001}, "/keep_last", "field.too_large"),
    ({"keep_last": "7"}, "/keep_last", "field.not_whole"),
    ({"priority": 1}, "/priority", "field.unknown"),
]


@pytest.mark.parametrize(("change", "pointer", "code"), BAD)
async def test_each_bad_field_is_named(api: Api, change: dict[str, object], pointer: str, code: str) -> None:
    person = await api.person()
    answer = await person.client.post(f"{person.root}/jobs", json=await job_body(api, person, **change))
    assert answer.status_code == 422
    assert problems_of(answer) == [(pointer, code)]
    assert (await person.client.get(f"{person.root}/jobs")).json()["items"] == []


async def test_wrong_cron_says_which_field_and_gives_an_example(api: Api) -> None:
    person = await api.person()
    answer = await person.client.post(
        f"{person.root}/jobs", json=await job_body(api, person, cron="0 25 * * *")
    )
    (error,) = answer.json()["errors"]
    assert error["message"] == "The second field, the hour, can't be 25."
    assert "0 to 23" in error["hint"]


async def test_things_of_another_organization_are_unknown(api: Api) -> None:
    person, stranger = await api.person(), await api.person()
    theirs = await job_body(api, stranger)
    agent, repository = str(await add_agent(api, person)), str(await add_repository(api, person))
    body = await job_body(
        api,
        person,
        agent_ids=[agent, *theirs["agent_ids"]],
        repository_ids=[repository, *theirs["repository_ids"]],
    )
    answer = await person.client.post(f"{person.root}/jobs", json=body)
    assert problems_of(answer) == [
        ("/agent_ids/1", "job.agent_unknown"),
        ("/repository_ids/1", "job.repository_unknown"),
    ]


async def test_revoked_agents_and_deleted_repositories_are_refused(api: Api) -> None:
    person = await api.person()
    revoked = str(await add_agent(api, person, state=AgentState.REVOKED))
    repository = str(await add_repository(api, person))
    await person.client.delete(f"{person.root}/repositories/{repository}")
    body = await job_body(api, person, agent_ids=[revoked], repository_ids=[repository])
    answer = await person.client.post(f"{person.root}/jobs", json=body)
    assert problems_of(answer) == [
        ("/agent_ids/0", "job.agent_revoked"),
        ("/repository_ids/0", "job.repository_unknown"),
    ]


async def test_two_jobs_of_one_name_are_a_conflict_on_the_name(api: Api) -> None:
    person, other = await api.person(), await api.person()
    first = await add_job(api, person, name="nightly")
    answer = await person.client.post(
        f"{person.root}/jobs", json=await job_body(api, person, name=" nightly")
    )
    assert (answer.status_code, problems_of(answer)) == (409, [("/name", "job.name_taken")])
    second = await add_job(api, person)
    renamed = await person.client.patch(
        f"{person.root}/jobs/{second['id']}", json={"name": "nightly"}, headers={"If-Match": '"1"'}
    )
    assert (renamed.status_code, problems_of(renamed)) == (409, [("/name", "job.name_taken")])
    await add_job(api, other, name="nightly")
    await person.client.delete(f"{person.root}/jobs/{first['id']}")
    await add_job(api, person, name="nightly")


async def test_edit_changes_what_is_given_and_nothing_else(api: Api) -> None:
    person = await api.person()
    job = await add_job(api, person, cron="0 1 * * *", keep_last=3, excludes=["*.tmp"])
    url = f"{person.root}/jobs/{job['id']}"
    agent = str(await add_agent(api, person))
    change = {"agent_ids": [agent], "keep_last": None, "cron": None, "sources": ["/etc"]}
    edited = await person.client.patch(url, json=change, headers={"If-Match": '"1"'})
    assert edited.status_code == 200, edited.text
    kept = {name: job[name] for name in ("name", "excludes", "repository_ids", "time_zone")}
    assert edited.json() | {**change, **kept, "version": 2} == edited.json()
    assert edited.headers["etag"] == '"2"'
    assert await synced(api, job["id"]) == 2
    (entry,) = await api.audited(person.organization_id, "job.edited")
    assert entry.details["before"]["keep_last"] == 3
    assert (await person.client.get(url)).json() == edited.json()


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"name": None}, "/name", "field.not_text"),
        ({"sources": []}, "/sources", "field.too_few"),
        ({"agent_ids": []}, "/agent_ids", "field.too_few"),
        ({"repository_ids": [str(new_id())]}, "/repository_ids/0", "job.repository_unknown"),
        ({"time_zone": None}, "/time_zone", "field.not_text"),
        ({"paused": True}, "/paused", "field.unknown"),
    ],
)
async def test_bad_edits_are_named_and_change_nothing(
    api: Api, change: dict[str, object], pointer: str, code: str
) -> None:
    person = await api.person()
    job = await add_job(api, person)
    url = f"{person.root}/jobs/{job['id']}"
    answer = await person.client.patch(url, json=change, headers={"If-Match": "*"})
    assert (answer.status_code, problems_of(answer)) == (422, [(pointer, code)])
    assert (await person.client.get(url)).json() == job
    assert await synced(api, job["id"]) == 1


async def test_edit_needs_the_version_that_was_read(api: Api) -> None:
    person = await api.person()
    url = f"{person.root}/jobs/{(await add_job(api, person))['id']}"
    assert (await person.client.patch(url, json={"name": "x"})).status_code == 428
    assert (
        await person.client.patch(url, json={"name": "x"}, headers={"If-Match": '"2"'})
    ).status_code == 412


async def test_pause_and_resume_are_told_once_each(api: Api) -> None:
    person = await api.person()
    job = await add_job(api, person, cron="0 1 * * *")
    url = f"{person.root}/jobs/{job['id']}"
    for act, paused, runs, told in (
        ("pause", True, 0, 2),
        ("pause", True, 0, 2),
        ("resume", False, 5, 3),
    ):
        answer = (await person.client.post(f"{url}/{act}")).json()
        assert (answer["paused"], len(answer["next_runs"])) == (paused, runs)
        assert await synced(api, job["id"]) == told
    assert len(await api.audited(person.organization_id, "job.paused")) == 1


async def test_deleted_job_is_gone_and_its_schedule_is_told(api: Api) -> None:
    person = await api.person()
    job = await add_job(api, person)
    url = f"{person.root}/jobs/{job['id']}"
    assert (await person.client.delete(url)).status_code == 204
    assert (await person.client.get(url)).status_code == 404
    assert (await person.client.post(f"{url}/pause")).status_code == 404
    assert (await person.client.post(f"{url}/runs")).status_code == 404
    assert await synced(api, job["id"]) == 2


async def test_another_organizations_job_does_not_exist(api: Api) -> None:
    owner, stranger = await api.person(), await api.person()
    job = await add_job(api, owner)
    for root in (owner.root, stranger.root):
        url = f"{root}/jobs/{job['id']}"
        answers = [
            await stranger.client.get(url),
            await stranger.client.delete(url),
            await stranger.client.patch(url, json={"name": "x"}, headers={"If-Match": "*"}),
            await stranger.client.post(f"{url}/pause"),
            await stranger.client.post(f"{url}/runs"),
        ]
        assert {answer.status_code for answer in answers} == {404}
    assert (await stranger.client.get(f"{stranger.root}/jobs")).json()["items"] == []
    assert (await owner.client.get(f"{owner.root}/jobs/{job['id']}")).json() == job


async def test_row_level_security_hides_jobs_from_the_applications_role(api: Api) -> None:
    owner, stranger = await api.person(), await api.person()
    await add_job(api, owner)
    for person, seen in ((owner, 1), (stranger, 0)):
        async with api.services.database.transaction(person.organization_id) as session:
            rows = await session.scalar(text("SELECT count(*) FROM job"))
        assert rows == seen


async def test_auditors_read_and_change_nothing(api: Api) -> None:
    administrator = await api.person()
    job = await add_job(api, administrator)
    auditor = await api.person(Role.AUDITOR, administrator.organization_id)
    url = f"{auditor.root}/jobs/{job['id']}"
    assert (await auditor.client.get(url)).status_code == 200
    answers = [
        await auditor.client.delete(url),
        await auditor.client.post(f"{url}/pause"),
        await auditor.client.post(f"{url}/runs"),
        await auditor.client.post(f"{auditor.root}/jobs", json=await job_body(api, administrator)),
    ]
    assert {answer.status_code for answer in answers} == {403}
