"""`/jobs`: what to back up, where to, and when."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from fastapi import APIRouter, Response, status
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.auth.scope import Operator, Reader
from sbs_server.jobs import repository as query
from sbs_server.jobs import service
from sbs_server.jobs.cron import clock_changes, next_runs
from sbs_server.jobs.schemas import JobCreate, JobDetail, JobEdit, JobOut
from sbs_server.kit.http.edge import TransactionalRoute
from sbs_server.kit.http.etags import IfMatch, etag
from sbs_server.kit.http.explained import Explained, ReaderLocale, explain
from sbs_server.kit.http.pages import Page, Paging
from sbs_server.kit.i18n import Locale
from sbs_server.models import Job

router = APIRouter(
    prefix="/api/v1/organizations/{organization_id}/jobs", tags=["jobs"], route_class=TransactionalRoute
)


@router.get("", operation_id="jobs_list")
async def list_(scope: Reader, paging: Paging) -> Page[JobOut]:
    """The organization's jobs, newest first."""
    rows = list(await query.page(scope.session, paging))
    rows, cursor = paging.slice(rows, [row.id for row in rows])
    return Page(items=await _outs(scope.session, rows), next_cursor=cursor)


@router.post(
    "",
    operation_id="jobs_create",
    status_code=status.HTTP_201_CREATED,
)
async def create(scope: Operator, body: JobCreate, locale: ReaderLocale, response: Response) -> JobDetail:
    """Makes a job; its schedule is in force as soon as this is answered."""
    job = await service.create(scope.session, scope.organization_id, scope.actor, body)
    response.headers["Location"] = f"/api/v1/organizations/{scope.organization_id}/jobs/{job.id}"
    return await _detail(scope.session, job, locale, response)


@router.get("/{job_id}", operation_id="jobs_get")
async def get(scope: Reader, job_id: UUID, locale: ReaderLocale, response: Response) -> JobDetail:
    """One job, with its next runs."""
    job = await service.get(scope.session, job_id)
    return await _detail(scope.session, job, locale, response)


@router.patch("/{job_id}", operation_id="jobs_edit")
async def edit(  # noqa: PLR0917 - FastAPI passes them by name
    scope: Operator, job_id: UUID, body: JobEdit, if_match: IfMatch, locale: ReaderLocale, response: Response
) -> JobDetail:
    """Changes the fields that are given; the others stay as they are."""
    job = await service.edit(scope.session, scope.actor, job_id, body, if_match)
    return await _detail(scope.session, job, locale, response)


@router.delete(
    "/{job_id}",
    operation_id="jobs_delete",
    status_code=status.HTTP_204_NO_CONTENT,
)
async def delete(scope: Operator, job_id: UUID) -> None:
    """Ends a job. Its runs and snapshots stay."""
    await service.delete(scope.session, scope.actor, job_id)


@router.post("/{job_id}/pause", operation_id="jobs_pause")
async def pause(scope: Operator, job_id: UUID, locale: ReaderLocale, response: Response) -> JobDetail:
    """Stops the schedule. Runs by hand still work."""
    job = await service.set_paused(scope.session, scope.actor, job_id, paused=True)
    return await _detail(scope.session, job, locale, response)


@router.post("/{job_id}/resume", operation_id="jobs_resume")
async def resume(scope: Operator, job_id: UUID, locale: ReaderLocale, response: Response) -> JobDetail:
    """Takes the schedule up again."""
    job = await service.set_paused(scope.session, scope.actor, job_id, paused=False)
    return await _detail(scope.session, job, locale, response)


async def _detail(session: AsyncSession, job: Job, locale: Locale, response: Response) -> JobDetail:
    response.headers["ETag"] = etag(job.version)
    out = (await _outs(session, [job]))[0]
    now = datetime.now(UTC)
    scheduled = job.cron is not None and not job.paused
    return JobDetail(
        **out.model_dump(),
        next_runs=_next_runs(job, now) if scheduled else [],
        schedule_notes=[] if job.cron is None else _notes(job.cron, job.time_zone, now, locale),
    )


def _next_runs(job: Job, now: datetime) -> list[datetime]:
    offset = timedelta(seconds=job.offset_s)
    return [at + offset for at in next_runs(job.cron or "", job.time_zone, now - offset)]


def _notes(cron: str, zone: str, now: datetime, locale: Locale) -> list[Explained]:
    return [
        explain(
            locale,
            "job.clock_skips" if change.skipped else "job.clock_repeats",
            day=change.local.date().isoformat(),
            time=f"{change.local:%H:%M}",
        )
        for change in clock_changes(cron, zone, now)
    ]


async def _outs(session: AsyncSession, jobs: list[Job]) -> list[JobOut]:
    ids = [job.id for job in jobs]
    agents = await query.agents_of(session, ids)
    repositories = await query.repositories_of(session, ids)
    return [
        JobOut(
            id=job.id,
            name=job.name,
            sources=job.sources,
            includes=job.includes,
            excludes=job.excludes,
            agent_ids=agents.get(job.id, []),
            repository_ids=repositories.get(job.id, []),
            cron=job.cron,
            offset_s=job.offset_s,
            time_zone=job.time_zone,
            paused=job.paused,
            keep_last=job.keep_last,
            version=job.version,
            created_at=job.created_at,
            updated_at=job.updated_at,
        )
        for job in jobs
    ]
