"""`/schedules/preview`: when something would run, before there is a job."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sbs_server.models import Role
from sbs_server.testing.api import Api, Person
from sbs_server.testing.estate import problems_of


async def preview(person: Person, **body: Any) -> Any:
    return await person.client.post(f"{person.root}/schedules/preview", json=body)


async def test_next_runs_are_told_in_utc_and_on_the_wall(api: Api) -> None:
    person = await api.person(Role.AUDITOR)
    answer = await preview(person, cron="30  22 * * MON-FRI", time_zone="Europe/Moscow", offset_s=7, count=3)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["cron"], found["time_zone"], found["notes"]) == (
        "30 22 * * MON-FRI",
        "Europe/Moscow",
        [],
    )
    assert len(found["runs"]) == 3
    last = datetime.now(UTC)
    for one in found["runs"]:
        at, local = datetime.fromisoformat(one["at"]), datetime.fromisoformat(one["local"])
        assert at == local > last
        assert at.utcoffset() == timedelta()
        assert f"{local:%H:%M:%S}" == "22:30:07"
        assert local.utcoffset() == local.astimezone(ZoneInfo("Europe/Moscow")).utcoffset()
        assert local.weekday() < 5
        last = at


async def test_twenty_are_told_unless_fewer_are_asked_for(api: Api) -> None:
    person = await api.person()
    answer = await preview(person, cron="* * * * *", time_zone="UTC")
    assert len(answer.json()["runs"]) == 20


async def test_change_of_the_clocks_is_told(api: Api) -> None:
    person = await api.person(locale="ru")
    notes = (await preview(person, cron="30 2 * * *", time_zone="Europe/Berlin")).json()["notes"]
    assert {note["code"] for note in notes} == {"job.clock_skips", "job.clock_repeats"}


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"cron": "61 * * * *"}, "/cron", "job.cron_minute"),
        ({"cron": "* * *"}, "/cron", "job.cron_fields"),
        ({"cron": "0 0 30 2 *"}, "/cron", "job.cron_never"),
        ({"time_zone": "Mars/Base"}, "/time_zone", "job.time_zone_unknown"),
    ],
)
async def test_what_is_wrong_is_named(api: Api, change: dict[str, str], pointer: str, code: str) -> None:
    person = await api.person()
    answer = await preview(person, **{"cron": "* * * * *", "time_zone": "UTC", **change})
    assert (answer.status_code, problems_of(answer)) == (422, [(pointer, code)])
    assert answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("count", [0, 21, "3"])
async def test_count_has_bounds(api: Api, count: object) -> None:
    person = await api.person()
    answer = await preview(person, cron="* * * * *", time_zone="UTC", count=count)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/count"
