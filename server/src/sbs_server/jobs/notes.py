"""What a change of the clocks does to a schedule, in words."""

from datetime import datetime

from sbs_server.jobs.cron import clock_changes
from sbs_server.kit.http.explained import Explained, explain
from sbs_server.kit.i18n import Locale


def clock_notes(cron: str, zone: str, now: datetime, locale: Locale) -> list[Explained]:
    """One for each kind of change that the schedule meets within a year; mostly none."""
    return [
        explain(
            locale,
            "job.clock_skips" if change.skipped else "job.clock_repeats",
            day=change.local.date().isoformat(),
            time=f"{change.local:%H:%M}",
        )
        for change in clock_changes(cron, zone, now)
    ]
