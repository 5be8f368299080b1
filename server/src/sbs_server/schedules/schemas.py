"""Previews of schedules in the API."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field

from sbs_server.jobs.schemas import Cron, OffsetS, TimeZone
from sbs_server.kit.http.explained import Explained
from sbs_server.kit.http.inputs import Input


class SchedulePreviewIn(Input):
    cron: Cron
    time_zone: TimeZone
    offset_s: OffsetS = 0
    count: Annotated[int, Field(strict=True, ge=1, le=20)] = 20


class PlannedRun(BaseModel):
    """One moment, said twice."""

    at: datetime
    """UTC."""
    local: AwareDatetime
    """The same in the schedule's time zone, with its offset then."""


class SchedulePreview(BaseModel):
    cron: str
    """As it would be stored: single blanks between the fields."""
    time_zone: str
    runs: list[PlannedRun]
    notes: list[Explained]
    """What a change of the clocks does to this schedule within a year."""
