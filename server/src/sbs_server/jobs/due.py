"""When a job is due: the slots of its schedule, and the one that was missed.

`job.next_due_at` is the first slot that has not begun. It moves when a slot begins and when the schedule changes, so
one that lies in the past was missed.
"""

from datetime import datetime, timedelta

from sbs_server.jobs.cron import next_runs
from sbs_server.models import Job

# A slot begins within seconds; after a restart of the platform it may take a few minutes.
GRACE = timedelta(minutes=10)


def next_slots(job: Job, after: datetime, *, count: int = 5) -> list[datetime]:
    """The next times, with the time zone's offset; none while there is no schedule in force."""
    if job.cron is None or job.paused:
        return []
    offset = timedelta(seconds=job.offset_s)
    return [at + offset for at in next_runs(job.cron, job.time_zone, after - offset, count)]


def slot_after(job: Job, after: datetime) -> datetime | None:
    """The next slot after that moment; None while there is no schedule in force."""
    return next(iter(next_slots(job, after, count=1)), None)


def missed_slot(job: Job, now: datetime) -> datetime | None:
    """The slot that should have begun by now."""
    in_force = job.cron is not None and not job.paused
    is_missed = in_force and job.next_due_at is not None and job.next_due_at < now - GRACE
    return job.next_due_at if is_missed else None
