"""`/schedules`: what a schedule would do, before there is a job."""

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter

from sbs_server.auth.scope import ORGANIZATION, Reader
from sbs_server.jobs.cron import next_runs
from sbs_server.jobs.notes import clock_notes
from sbs_server.kit.http.edge import TransactionalRoute
from sbs_server.kit.http.explained import ReaderLocale
from sbs_server.schedules.schemas import PlannedRun, SchedulePreview, SchedulePreviewIn

router = APIRouter(
    prefix=f"{ORGANIZATION}/schedules",
    tags=["schedules"],
    route_class=TransactionalRoute,
)


@router.post("/preview", operation_id="schedules_preview")
async def preview(scope: Reader, body: SchedulePreviewIn, locale: ReaderLocale) -> SchedulePreview:
    """The next runs of a schedule that need not exist. Writes nothing."""
    del scope
    now, offset = datetime.now(UTC), timedelta(seconds=body.offset_s)
    due = next_runs(body.cron, body.time_zone, now - offset, body.count)
    return SchedulePreview(
        cron=body.cron,
        time_zone=body.time_zone,
        runs=[PlannedRun(at=(at + offset).astimezone(UTC), local=at + offset) for at in due],
        notes=clock_notes(body.cron, body.time_zone, now, locale),
    )
