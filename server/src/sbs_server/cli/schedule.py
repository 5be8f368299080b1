"""A job's schedule and retention in words."""

import re

from sbs_server.cli.values import Json, printable

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT = {day[:3].upper(): day for day in _DAYS}
_NUMBER = re.compile(r"\d{1,2}")
_STEP = re.compile(r"\*/(\d{1,2})")


def schedule(job: Json) -> str:
    """When a job runs. What is not one of the usual schedules is told by its cron text alone."""
    if not job["cron"]:
        return "none: runs by hand only"
    said = _in_words(*job["cron"].split()) if len(job["cron"].split()) == 5 else None
    cron = f"cron {printable(job['cron'])}"
    late = f", {job['offset_s']} s after the minute" if job.get("offset_s") else ""
    told = f"{said} ({cron})" if said else cron
    return f"{told}, {printable(job['time_zone'])}{late}{'; paused' if job['paused'] else ''}"


def retention(job: Json) -> str:
    return "keep all" if job["keep_last"] is None else f"keep last {job['keep_last']}"


def _in_words(minute: str, hour: str, day: str, month: str, weekday: str) -> str | None:
    if month != "*":
        return None
    if hour == day == weekday == "*":
        return _within_the_hour(minute)
    if not (_NUMBER.fullmatch(minute) and _NUMBER.fullmatch(hour)):
        return None
    at = f"at {int(hour):02}:{int(minute):02}"
    if day == weekday == "*":
        return f"every day {at}"
    if weekday == "*":
        return f"on day {day} of every month {at}" if _NUMBER.fullmatch(day) else None
    days = _weekdays(weekday) if day == "*" else None
    return f"every {days} {at}" if days else None


def _within_the_hour(minute: str) -> str | None:
    step = _STEP.fullmatch(minute)
    # Other steps begin anew with each hour: "every 7 minutes" would not be true.
    if step is not None and int(step[1]) and 60 % int(step[1]) == 0:
        return f"every {step[1]} minutes"
    return f"every hour at minute {minute}" if _NUMBER.fullmatch(minute) else None


def _weekdays(said: str) -> str | None:
    """Of `MON-FRI`, `1,3` and the like; None for what is more than that."""
    ranges = [[_day(one) for one in item.split("-")] for item in said.split(",")]
    if any(None in one or len(one) > 2 for one in ranges):
        return None
    return ", ".join(" to ".join(day for day in one if day) for one in ranges)


def _day(said: str) -> str | None:
    if said.isdecimal() and int(said) < len(_DAYS):
        return _DAYS[int(said)]
    return _SHORT.get(said.upper())
