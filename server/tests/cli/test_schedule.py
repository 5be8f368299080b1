"""Schedules in words, and only where the words are true."""

import pytest

from sbs_server.cli.schedule import retention, schedule


def job(cron: str | None, **more: object) -> dict[str, object]:
    return {"cron": cron, "time_zone": "UTC", "paused": False, "offset_s": 0, "keep_last": None, **more}


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("5 23 * * *", "every day at 23:05"),
        ("0 8 * * MON-FRI", "every Monday to Friday at 08:00"),
        ("0 8 * * 1,sat", "every Monday, Saturday at 08:00"),
        ("0 8 1 * *", "on day 1 of every month at 08:00"),
        ("*/15 * * * *", "every 15 minutes"),
        ("7 * * * *", "every hour at minute 7"),
    ],
)
def test_usual_schedules_are_told_in_words_with_their_cron_text(cron: str, words: str) -> None:
    assert schedule(job(cron)) == f"{words} (cron {cron}), UTC"


@pytest.mark.parametrize(
    "cron", ["*/7 * * * *", "0 8 * JAN *", "0 8,20 * * *", "0 8 * * 1-5/2", "0 8 1-7 * *", "0 */2 * * *", "x"]
)
def test_others_are_told_by_their_cron_text_alone(cron: str) -> None:
    assert schedule(job(cron)) == f"cron {cron}, UTC"


def test_what_changes_a_schedule_is_told_with_it() -> None:
    assert schedule(job(None)) == "none: runs by hand only"
    told = schedule(job("5 23 * * *", offset_s=20, paused=True))
    assert told.endswith(", UTC, 20 s after the minute; paused")


def test_retention_is_told_in_words() -> None:
    assert (retention(job(None)), retention(job(None, keep_last=7))) == ("keep all", "keep last 7")
