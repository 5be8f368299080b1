"""The overview in the API."""

import datetime as dt
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from sbs_server.kit.http.explained import Explained
from sbs_server.models import RunState


class Gravity(StrEnum):
    """How bad it is; the gravest comes first."""

    CRITICAL = "critical"  # backups do not happen, or can't be relied on
    WARNING = "warning"  # they will stop happening, or something is missing
    NOTICE = "notice"


class ObjectKind(StrEnum):
    AGENT = "agent"
    JOB = "job"
    REPOSITORY = "repository"
    RUN = "run"


class AttentionItem(Explained):
    """Something that somebody should look at: what is wrong (`message`) and what to do (`hint`)."""

    gravity: Gravity
    since: dt.datetime | None
    object_kind: ObjectKind
    object_id: UUID
    object_name: str
    """Of a run: the name of its job, or of its agent."""
    run_id: UUID | None = None
    """The run that shows it best."""
    agents_affected: int | None = None
    """Of a job: how many of its agents it is about."""


class AttentionCount(BaseModel):
    """How many items of one code there are, also those that the list has no room for."""

    code: str
    gravity: Gravity
    count: int


class AgentCounts(BaseModel):
    """`active` is `connected` and `disconnected` together."""

    active: int
    connected: int
    disconnected: int
    never_connected: int
    """Some of `disconnected`."""
    revoked: int


class JobCounts(BaseModel):
    total: int
    scheduled: int
    """With a schedule that is in force."""
    paused: int


class RepositoryCounts(BaseModel):
    total: int
    with_problem: int


class RunCounts(BaseModel):
    """Runs by state."""

    waiting: int = 0
    running: int = 0
    succeeded: int = 0
    completed_with_warnings: int = 0
    partial: int = 0
    failed: int = 0
    cancelled: int = 0

    @classmethod
    def of(cls, found: dict[RunState, int]) -> "RunCounts":
        return cls(**{state.value: count for state, count in found.items()})


class DayOfRuns(BaseModel):
    """Runs that began on one day of the time zone asked for."""

    day: dt.date
    runs: RunCounts


class Overview(BaseModel):
    generated_at: dt.datetime
    time_zone: str
    attention: list[AttentionItem]
    """The gravest first, among equals the one that lasts longest; at most 100."""
    attention_counts: list[AttentionCount]
    agents: AgentCounts
    jobs: JobCounts
    repositories: RepositoryCounts
    snapshots: int
    """Those that have a copy."""
    open_runs: int
    runs_last_24h: RunCounts
    days: list[DayOfRuns]
    """The last 14 days, oldest first, today last; days without runs too."""
