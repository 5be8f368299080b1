"""`POST /jobs/check`: what a form asks before its next step."""

import pytest

from sbs_server.models import Role
from sbs_server.testing.api import Api
from sbs_server.testing.estate import job_body, problems_of


async def test_fields_that_could_be_used_are_fine_though_others_are_missing(api: Api) -> None:
    person = await api.person()
    body = await job_body(api, person)
    for part in ({"name": "nightly", "sources": ["/srv"]}, {"agent_ids": body["agent_ids"]}, {}):
        answer = await person.client.post(f"{person.root}/jobs/check", json=part)
        assert answer.status_code == 204, answer.text
    assert (await person.client.get(f"{person.root}/jobs")).json()["items"] == []


@pytest.mark.parametrize(
    ("part", "pointer", "code"),
    [
        ({"name": ""}, "/name", "field.too_short"),
        ({"sources": ["/srv", "relative"]}, "/sources/1", "job.path_not_absolute"),
        ({"sources": []}, "/sources", "field.too_few"),
        ({"cron": "0 25 * * *"}, "/cron", "job.cron_hour"),
        ({"agent_ids": ["00000000-0000-7000-8000-000000000000"]}, "/agent_ids/0", "job.agent_unknown"),
    ],
)
async def test_a_field_that_could_not_be_used_is_named(
    api: Api, part: dict[str, object], pointer: str, code: str
) -> None:
    person = await api.person()
    answer = await person.client.post(f"{person.root}/jobs/check", json=part)
    assert answer.status_code == 422
    assert problems_of(answer) == [(pointer, code)]


async def test_a_name_is_taken_by_others_but_not_by_the_job_itself(api: Api) -> None:
    person = await api.person(Role.ORG_ADMIN)
    body = await job_body(api, person, name="nightly")
    job = (await person.client.post(f"{person.root}/jobs", json=body)).json()
    path = f"{person.root}/jobs/check"
    taken = await person.client.post(path, json={"name": "nightly"})
    assert (taken.status_code, problems_of(taken)) == (409, [("/name", "job.name_taken")])
    own = await person.client.post(path, json={"name": "nightly", "job_id": job["id"]})
    assert own.status_code == 204


async def test_an_auditor_makes_no_jobs_and_checks_none(api: Api) -> None:
    person = await api.person(Role.AUDITOR)
    assert (await person.client.post(f"{person.root}/jobs/check", json={})).status_code == 403
