"""Cron text: what is accepted, and that it means the same to us as to Temporal."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.workflowservice.v1 import ListScheduleMatchingTimesRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
    ScheduleState,
)

from sbs_server.jobs.cron import CronError, check_cron, check_zone, clock_changes, next_runs
from sbs_server.kit.i18n import message
from sbs_server.kit.ids import new_id

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


def fields(low: int, high: int, words: list[str]) -> st.SearchStrategy[str]:
    """Text of one field that must be accepted."""
    value = st.integers(low, high).map(str)
    single = st.one_of(value, st.sampled_from(words)) if words else value
    ranges = st.tuples(st.integers(low, high), st.integers(low, high)).map(lambda p: f"{min(p)}-{max(p)}")
    steps = st.integers(1, high)
    item = st.one_of(
        single, ranges, st.builds("{}/{}".format, st.one_of(st.just("*"), ranges), steps), st.just("*")
    )
    return st.lists(item, min_size=1, max_size=3).map(",".join)


schedules = st.tuples(
    fields(0, 59, []),
    fields(0, 23, []),
    st.one_of(fields(1, 28, []).map(lambda day: (day, "*")), fields(0, 7, DAYS).map(lambda day: ("*", day))),
    fields(1, 12, MONTHS),
).map(lambda parts: f"{parts[0]} {parts[1]} {parts[2][0]} {parts[3]} {parts[2][1]}")


@given(
    schedules,
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_next_runs_rise_and_lie_in_the_future(cron: str, zone: str) -> None:
    after = datetime(2027, 3, 27, 23, 17, 5, tzinfo=UTC)
    runs = next_runs(check_cron(cron), zone, after)
    assert len(runs) == 5
    assert all(run > before for before, run in zip([after, *runs], runs, strict=False))
    assert all(run.utcoffset() is not None for run in runs)


@given(st.text(st.sampled_from("0123456789*/,-LW#?@ MON"), max_size=25))
def test_any_text_is_either_refused_with_a_code_or_has_next_runs(text: str) -> None:
    try:
        cron = check_cron(text)
    except CronError as error:
        message(error.code, "en", error.params)  # there is a text for it
        return
    assert next_runs(cron, "UTC", datetime(2027, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "job.cron_fields"),
        ("every day", "job.cron_fields"),
        ("@daily", "job.cron_fields"),
        ("0 0 * * * *", "job.cron_fields"),
        ("60 0 * * *", "job.cron_minute"),
        ("-1 0 * * *", "job.cron_minute"),
        ("5-1 0 * * *", "job.cron_minute"),
        ("*/0 * * * *", "job.cron_minute"),
        ("*/70 * * * *", "job.cron_minute"),
        ("1,,2 * * * *", "job.cron_minute"),
        ("0 24 * * *", "job.cron_hour"),
        ("0 MON * * *", "job.cron_hour"),
        ("0 0 0 * *", "job.cron_day"),
        ("0 0 32 * *", "job.cron_day"),
        ("0 0 L * *", "job.cron_day"),
        ("0 0 ? * 1", "job.cron_day"),
        ("0 0 1 13 *", "job.cron_month"),
        ("0 0 1 JANUARY *", "job.cron_month"),
        ("0 0 * * 8", "job.cron_weekday"),
        ("0 0 * * 1#2", "job.cron_weekday"),
        ("0 0 * * FRI-SUN", "job.cron_weekday"),
        ("0 0 1 * MON", "job.cron_day_and_weekday"),
        ("0 0 31 2 *", "job.cron_never"),
        ("0 0 30,31 FEB *", "job.cron_never"),
        ("٣ 0 * * *", "job.cron_minute"),
    ],
)
def test_each_wrong_field_has_its_own_code(text: str, code: str) -> None:
    with pytest.raises(CronError) as caught:
        check_cron(text)
    assert caught.value.code == code


def test_blanks_are_tidied() -> None:
    assert check_cron("  0  1\t* * mon-fri ") == "0 1 * * mon-fri"


@pytest.mark.parametrize("name", ["", "Mars/Base", "../../etc/passwd", "CET+1", "localtime", "europe/berlin"])
def test_unknown_time_zone_is_refused(name: str) -> None:
    with pytest.raises(CronError) as caught:
        check_zone(name)
    assert caught.value.code == "job.time_zone_unknown"


def test_leap_day_is_found_years_ahead() -> None:
    (first, *_) = next_runs("0 0 29 2 *", "UTC", datetime(2027, 1, 1, tzinfo=UTC))
    assert first == datetime(2028, 2, 29, tzinfo=UTC)


def test_hour_that_the_clocks_leave_out_has_no_run() -> None:
    runs = next_runs("30 2 * * *", "Europe/Berlin", datetime(2027, 3, 27, 12, tzinfo=UTC), 2)
    assert [run.isoformat() for run in runs] == ["2027-03-29T02:30:00+02:00", "2027-03-30T02:30:00+02:00"]


@pytest.mark.parametrize(
    ("cron", "zone", "expected"),
    [
        ("30 2 * * *", "Europe/Berlin", [(True, "2027-03-28T02:30"), (False, "2027-10-31T02:30")]),
        ("30 1 * * *", "America/New_York", [(False, "2027-11-07T01:30")]),
        ("15 2 * * *", "Australia/Lord_Howe", [(True, "2027-10-03T02:15")]),
        ("30 4 * * *", "Europe/Berlin", []),
        ("30 2 * * *", "UTC", []),
        ("30 2 * * *", "Asia/Kolkata", []),
        ("*/10 * * * *", "Europe/Berlin", []),
        ("30 2 1 * *", "Europe/Berlin", []),
    ],
)
def test_runs_in_a_change_of_the_clocks_are_noted(
    cron: str, zone: str, expected: list[tuple[bool, str]]
) -> None:
    found = clock_changes(cron, zone, datetime(2027, 1, 1, tzinfo=UTC))
    assert [(one.skipped, one.local.isoformat(timespec="minutes")) for one in found] == expected


MatchingTimes = Callable[[str, str, datetime, datetime], Awaitable[list[datetime]]]


async def due_at_temporal(
    client: Client, cron: str, zone: str, start: datetime, end: datetime
) -> list[datetime]:
    """When Temporal itself would start the job."""
    handle = await client.create_schedule(
        new_id().hex,
        Schedule(
            action=ScheduleActionStartWorkflow("Nothing", id=new_id().hex, task_queue="none"),
            spec=ScheduleSpec(cron_expressions=[cron], time_zone_name=zone),
            state=ScheduleState(paused=True),
        ),
    )
    first, last = Timestamp(), Timestamp()
    first.FromDatetime(start.replace(tzinfo=None))
    last.FromDatetime(end.replace(tzinfo=None))
    answer = await client.workflow_service.list_schedule_matching_times(
        ListScheduleMatchingTimesRequest(
            namespace=client.namespace, schedule_id=handle.id, start_time=first, end_time=last
        )
    )
    await handle.delete()
    return [at.ToDatetime(UTC) for at in answer.start_time]


@pytest.mark.parametrize(
    "cron",
    [
        "30 2 * * *",
        "*/20 * * * *",
        "15 1-3 * * *",
        "5/7 3 * * *",
        "0 0 * * 1/2",
        "0 0 * * 5-7",
        "0 0 * * MON-FRI",
        "0 0 * * sun",
        "0 0 1 jan,MAR *",
        "0 0 1,15 */2 *",
        "0 0 */2 * 1",
        "0 0 1 * */2",
        "*,1 0 1 * *",
        "0 22 * * 6-7",
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Australia/Lord_Howe"])
async def test_temporal_starts_when_we_say_so(temporal: Client, cron: str, zone: str) -> None:
    # Over the change to summer time (Berlin), not over the one back: there Temporal chooses one of the two hours.
    start, end = datetime(2027, 3, 20, 12, tzinfo=UTC), datetime(2027, 4, 2, tzinfo=UTC)
    ours = [run for run in next_runs(check_cron(cron), zone, start, 2000) if run <= end]
    theirs = await due_at_temporal(temporal, cron, zone, start, end)
    assert [run.astimezone(UTC) for run in ours][:1000] == theirs[:1000]


async def test_in_autumn_a_daily_run_is_one_run_for_both(temporal: Client) -> None:
    start = datetime(2027, 10, 30, 12, tzinfo=UTC)
    (ours,) = next_runs("30 2 * * *", "Europe/Berlin", start, 1)
    (theirs,) = await due_at_temporal(
        temporal, "30 2 * * *", "Europe/Berlin", start, start + timedelta(days=1)
    )
    assert abs(ours - theirs) <= timedelta(hours=1)
