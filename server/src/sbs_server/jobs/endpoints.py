"""`/jobs`: what to back up, where to, and when."""

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response, status
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.auth.scope import ORGANIZATION, Operator, Reader
from sbs_server.jobs import due, service
from sbs_server.jobs import repository as query
from sbs_server.jobs.notes import clock_notes
from sbs_server.jobs.repository import JobFilter
from sbs_server.jobs.schemas import JobCheck, JobCreate, JobDetail, JobEdit, JobOut, JobSort
from sbs_server.kit.http.edge import TransactionalRoute
from sbs_server.kit.http.etags import IfMatch, etag
from sbs_server.kit.http.explained import ReaderLocale
from sbs_server.kit.http.inputs import SearchText
from sbs_server.kit.http.pages import Page
from sbs_server.kit.http.sorting import SortedPage, sorted_paging
from sbs_server.kit.i18n import Locale
from sbs_server.models import Job
from sbs_server.runs import last

router = APIRouter(prefix=f"{ORGANIZATION}/jobs", tags=["jobs"], route_class=TransactionalRoute)


def job_filter(
    name: Annotated[SearchText | None, Query(description="A part of the name, in any case.")] = None,
    paused: bool | None = None,
    agent_id: UUID | None = None,
    repository_id: UUID | None = None,
) -> JobFilter:
    return JobFilter(name, paused, agent_id, repository_id)


Filter = Annotated[JobFilter, Depends(job_filter)]
JobPaging = Annotated[SortedPage[JobSort], Depends(sorted_paging(JobSort, JobSort.NEWEST))]


@router.get("", operation_id="jobs_list")
async def list_(scope: Reader, paging: JobPaging, wanted: Filter) -> Page[JobOut]:
    """The organization's jobs, newest first unless asked for otherwise."""
    rows = list(await query.page(scope.session, paging, wanted))
    rows, cursor = paging.slice(rows, lambda row: query.place(row, paging.sort))
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


@router.post("/check", operation_id="jobs_check", status_code=status.HTTP_204_NO_CONTENT)
async def check(scope: Operator, body: JobCheck) -> None:
    """Whether these fields could be those of a job. Writes nothing: it is for forms that ask step by step."""
    await service.check(scope.session, body)


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
    return JobDetail(
        **out.model_dump(),
        next_runs=due.next_slots(job, now),
        schedule_notes=[] if job.cron is None else clock_notes(job.cron, job.time_zone, now, locale),
    )


async def _outs(session: AsyncSession, jobs: list[Job]) -> list[JobOut]:
    ids = [job.id for job in jobs]
    agents = await query.agents_of(session, ids)
    repositories = await query.repositories_of(session, ids)
    runs, now = await last.of_jobs(session, ids), datetime.now(UTC)
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
            compression=job.compression,
            version=job.version,
            created_at=job.created_at,
            updated_at=job.updated_at,
            last_run=runs.get(job.id),
            next_run_at=due.slot_after(job, now),
            overdue_since=due.missed_slot(job, now),
        )
        for job in jobs
    ]
