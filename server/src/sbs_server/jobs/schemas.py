"""Jobs in the API."""

from collections.abc import Callable, Hashable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field
from pydantic_core import PydanticCustomError

from sbs_server.jobs.cron import LONGEST_CRON, CronError, check_cron, check_zone
from sbs_server.jobs.sources import LONGEST_EXCLUDES, Mask, Source
from sbs_server.kit.http.explained import Explained
from sbs_server.kit.http.inputs import Input, Name
from sbs_server.models import Compression
from sbs_server.runs.last import LastRun

_T = TypeVar("_T", bound=Hashable)


def _checked(check: Callable[[str], str]) -> Callable[[str], str]:
    def validate(text: str) -> str:
        try:
            return check(text)
        except CronError as error:
            raise PydanticCustomError(error.code, "unusable", dict(error.params)) from error

    return validate


def _distinct(values: list[_T]) -> list[_T]:
    if len(set(values)) != len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise PydanticCustomError("job.listed_twice", "listed twice", {"value": str(twice)})
    return values


def _fits(masks: list[str]) -> list[str]:
    """restic takes exclude masks on its command line, which has an end on every system."""
    length = sum(len(mask) for mask in masks)
    if length > LONGEST_EXCLUDES:
        raise PydanticCustomError(
            "job.masks_too_long", "too long together", {"length": length, "longest": LONGEST_EXCLUDES}
        )
    return masks


Sources = Annotated[list[Source], Field(min_length=1, max_length=64), AfterValidator(_distinct)]
Masks = Annotated[list[Mask], Field(max_length=256)]
Excludes = Annotated[Masks, AfterValidator(_fits)]
AgentIds = Annotated[list[UUID], Field(min_length=1, max_length=1000), AfterValidator(_distinct)]
RepositoryIds = Annotated[list[UUID], Field(min_length=1, max_length=4), AfterValidator(_distinct)]
Cron = Annotated[
    str,
    Field(max_length=LONGEST_CRON, examples=["30 1 * * MON-FRI"]),
    AfterValidator(_checked(check_cron)),
]
TimeZone = Annotated[
    str, Field(max_length=64, examples=["Europe/Berlin"]), AfterValidator(_checked(check_zone))
]
OffsetS = Annotated[
    int,
    Field(
        strict=True,
        ge=0,
        le=59,
        description="Seconds after the minute of the cron text at which the job starts: spreads jobs that share one.",
    ),
]
KeepLast = Annotated[int, Field(strict=True, ge=1, le=10_000)]


CompressionChoice = Annotated[
    Compression,
    Field(description="How hard the data is packed before it is stored: `max` is smallest and slow."),
]


class JobCreate(Input):
    name: Name
    sources: Sources
    includes: Masks = []
    excludes: Excludes = []
    agent_ids: AgentIds
    repository_ids: RepositoryIds
    cron: Cron | None = None
    """Minute, hour, day of the month, month, weekday; null: only by hand."""
    offset_s: OffsetS = 0
    time_zone: TimeZone = "UTC"
    paused: bool = False
    keep_last: KeepLast | None = None
    """How many snapshots of each agent are kept; null: all."""
    compression: CompressionChoice = Compression.AUTO


class JobEdit(Input):
    """What is left out stays as it is."""

    name: Name = ""
    sources: Sources = []
    includes: Masks = []
    excludes: Excludes = []
    agent_ids: AgentIds = []
    repository_ids: RepositoryIds = []
    cron: Cron | None = None
    offset_s: OffsetS = 0
    time_zone: TimeZone = ""
    keep_last: KeepLast | None = None
    compression: CompressionChoice = Compression.AUTO


class JobCheck(JobEdit):
    """Fields of a job that need not be complete; what is left out is not looked at."""

    job_id: UUID | None = None
    """The job that is edited, which may keep its own name."""


class JobSort(StrEnum):
    """`next_run_at`: jobs without a schedule in force come last. A minus turns the order around."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    NAME = "name"
    NAME_DOWN = "-name"
    NEXT_RUN = "next_run_at"


class JobOut(BaseModel):
    id: UUID
    name: str
    sources: list[str]
    includes: list[str]
    excludes: list[str]
    agent_ids: list[UUID]
    repository_ids: list[UUID]
    cron: str | None
    offset_s: int
    time_zone: str
    paused: bool
    keep_last: int | None
    compression: Compression
    version: int
    created_at: datetime
    updated_at: datetime
    last_run: LastRun | None
    """The newest, of any of its agents."""
    next_run_at: AwareDatetime | None
    """Null while the job is paused or has no schedule."""
    overdue_since: datetime | None
    """The slot of the schedule that should have been begun and was not."""


class JobDetail(JobOut):
    next_runs: list[AwareDatetime]
    """The next five times, with the time zone's offset; empty while the job is paused or has no schedule."""
    schedule_notes: list[Explained]
    """What a change of the clocks does to this schedule."""
