"""Cron text: what we accept, and when it is due.

Five fields. The words are those that both cronsim (which shows the next runs) and Temporal (which starts them) read
in the same way; a test compares the two. Left out because they don't agree: L, W, # and ?, names longer than three
letters, @daily, seconds, years, and a day of the month together with a weekday (classic cron runs on either of
them, Temporal on days that are both).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from sbs_server.kit.errors import Parameter

LONGEST_CRON = 200
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_ITEM = re.compile(r"(?:\*|(?P<first>[0-9A-Z]+)(?:-(?P<last>[0-9A-Z]+))?)(?:/(?P<step>[0-9]{1,2}))?")


class CronError(ValueError):
    """The text can't be used; `code` and `params` say which part of it, and what would be right."""

    def __init__(self, code: str, **params: Parameter) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    lowest: int
    highest: int
    words: dict[str, int]

    def check(self, text: str) -> None:
        if not all(self._reads(item) for item in text.upper().split(",")):
            raise CronError(f"job.cron_{self.name}", value=text)

    def _reads(self, item: str) -> bool:
        found = _ITEM.fullmatch(item)
        if found is None:
            return False
        first, last, step = found["first"], found["last"], found["step"]
        if step is not None and not 1 <= int(step) <= self.highest:
            return False
        low = self.lowest if first is None else self._value(first)
        high = self.highest if last is None else self._value(last)
        return low is not None and high is not None and low <= high

    def _value(self, text: str) -> int | None:
        value = int(text) if text.isdecimal() and len(text) <= 2 else self.words.get(text)
        return value if value is not None and self.lowest <= value <= self.highest else None


_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day", 1, 31, {}),
    _Field("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    _Field("weekday", 0, 7, {name: number for number, name in enumerate(_WEEKDAYS)}),
)


def check_cron(text: str) -> str:
    """The text with single blanks between its fields. Raises CronError."""
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise CronError("job.cron_fields", count=len(parts))
    for field, part in zip(_FIELDS, parts, strict=True):
        field.check(part)
    if not parts[2].startswith("*") and not parts[4].startswith("*"):
        raise CronError("job.cron_day_and_weekday", day=parts[2], weekday=parts[4])
    tidy = " ".join(parts)
    if _never(tidy):
        raise CronError("job.cron_never")
    return tidy


def check_zone(name: str) -> str:
    """The name of a time zone of the IANA database. Raises CronError."""
    if name not in _zones():
        raise CronError("job.time_zone_unknown")
    return name


def next_runs(cron: str, zone_name: str, after: datetime, count: int = 5) -> list[datetime]:
    """The next times, with the zone's offset. A local time that a change of the clocks leaves out has no run."""
    zone = ZoneInfo(zone_name)
    return list(islice((at for at in _due(cron, zone, after) if at > after), count))


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A change of the clocks that a schedule with fixed hours meets. `local` is the run's time on the wall."""

    skipped: bool  # the local time does not exist that day; else it comes twice
    local: datetime


def clock_changes(cron: str, zone_name: str, after: datetime) -> list[ClockChange]:
    """The first run within a year that falls into each kind of change of the clocks, if there is one."""
    if cron.split()[1].startswith("*"):  # more often than daily: an hour more or less is no surprise
        return []
    zone = ZoneInfo(zone_name)
    found: dict[bool, ClockChange] = {}
    for change, before in _transitions(zone, after):
        shift = (change.astimezone(zone).utcoffset() or timedelta()) - before
        skipped = shift > timedelta()
        # Wall time that is left out, or comes twice, begins at the earlier of both readings of the moment.
        begin = change.replace(tzinfo=None) + before + min(shift, timedelta())
        local = next(CronSim(cron, begin - timedelta(seconds=1)))
        if local < begin + abs(shift) and skipped not in found:
            found[skipped] = ClockChange(skipped, local)
    return sorted(found.values(), key=lambda one: one.local)


def _due(cron: str, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    # Naive wall time: cronsim would move runs out of a gap as Debian's cron does, and Temporal leaves them out.
    # One day back: the offset may change between now and then.
    for local in CronSim(cron, after.astimezone(zone).replace(tzinfo=None) - timedelta(days=1)):
        at = local.replace(tzinfo=zone)
        if at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local:
            yield at


def _transitions(zone: ZoneInfo, after: datetime) -> Iterator[tuple[datetime, timedelta]]:
    """The moments (UTC, to the minute) within a year at which the zone's offset changes, and the offset before."""
    hour = timedelta(hours=1)
    at = after.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for _ in range(366):
        if _offset(at, zone) != _offset(at + timedelta(days=1), zone):
            moment = at
            while _offset(moment, zone) == _offset(moment + hour, zone):
                moment += hour
            while _offset(moment, zone) == _offset(moment + timedelta(minutes=1), zone):
                moment += timedelta(minutes=1)
            yield moment + timedelta(minutes=1), _offset(moment, zone)
        at += timedelta(days=1)


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _never(cron: str) -> bool:
    try:
        next(CronSim(cron, datetime(2024, 1, 1)))  # noqa: DTZ001 - wall time of no zone in particular
    except (CronSimError, StopIteration):
        return True
    return False


@cache
def _zones() -> frozenset[str]:
    # The list of the package, not what lies in this system's folder: there are files like `localtime` there.
    return frozenset((files("tzdata") / "zones").read_text("ascii").split())
