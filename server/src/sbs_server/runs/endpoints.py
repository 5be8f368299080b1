"""`/runs`, and starting one from `/jobs/{id}/runs`."""

import base64
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, status

from sbs_server.auth.reading import Follower
from sbs_server.auth.scope import ORGANIZATION, Operator, Reader
from sbs_server.auth.sessions import COOKIE, CurrentSessions
from sbs_server.kit.http.after_commit import AfterCommit
from sbs_server.kit.http.edge import TransactionalRoute
from sbs_server.kit.http.event_stream import MEDIA_TYPE, event_stream
from sbs_server.kit.http.explained import ReaderLocale
from sbs_server.kit.http.inputs import Moment, SearchText
from sbs_server.kit.http.pages import Page, Paging
from sbs_server.kit.http.sorting import SortedPage, sorted_paging
from sbs_server.models import RunKind, RunState, RunWarning
from sbs_server.runs import repository as query
from sbs_server.runs import service, stream, timeline
from sbs_server.runs.live import LiveSource
from sbs_server.runs.repository import RunFilter, RunSort
from sbs_server.runs.schemas import RunDetail, RunOut, RunsStarted, RunStart, RunWarningOut
from sbs_server.runs.stream import Pace, run_events
from sbs_server.runs.timeline_schemas import Timeline

router = APIRouter(prefix=ORGANIZATION, tags=["runs"], route_class=TransactionalRoute)


def run_filter(  # noqa: PLR0917 - FastAPI passes them by name
    kind: RunKind | None = None,
    state: Annotated[list[RunState], Query(max_length=10)] = [],  # noqa: B006 - FastAPI copies it
    job_id: UUID | None = None,
    agent_id: UUID | None = None,
    created_from: Annotated[Moment | None, Query(description="Asked for at that moment or later.")] = None,
    created_to: Annotated[Moment | None, Query(description="Asked for before that moment.")] = None,
) -> RunFilter:
    return RunFilter(kind, state, job_id, agent_id, created_from, created_to)


def _live(request: Request) -> LiveSource:
    live: LiveSource = request.app.state.live
    return live


def _pace(request: Request) -> Pace:
    pace: Pace = getattr(request.app.state, "pace", Pace())
    return pace


Live = Annotated[LiveSource, Depends(_live)]
Filter = Annotated[RunFilter, Depends(run_filter)]
RunPaging = Annotated[SortedPage[RunSort], Depends(sorted_paging(RunSort, RunSort.NEWEST))]


@router.post(
    "/jobs/{job_id}/runs",
    operation_id="runs_start",
    status_code=status.HTTP_202_ACCEPTED,
)
async def start(
    scope: Operator, job_id: UUID, locale: ReaderLocale, body: RunStart | None = None
) -> RunsStarted:
    """Backs up now: one run for each of the job's agents, or for those named."""
    chosen = None if body is None else body.agent_ids
    items = await service.start(
        scope.session, scope.organization_id, scope.actor, job_id, chosen, locale=locale
    )
    return RunsStarted(items=items)


@router.get("/runs", operation_id="runs_list")
async def list_(scope: Reader, paging: RunPaging, wanted: Filter, locale: ReaderLocale) -> Page[RunOut]:
    """Runs, newest first unless asked for otherwise."""
    rows = list(await query.page(scope.session, paging, wanted))
    rows, cursor = paging.slice(rows, lambda row: (row[0].created_at, row[0].id))
    return Page(items=await service.runs_out(scope.session, rows, locale), next_cursor=cursor)


@router.get("/runs/{run_id}/timeline", operation_id="runs_timeline")
async def timeline_(scope: Reader, run_id: UUID, locale: ReaderLocale) -> Timeline:
    """The steps of a run, with their times: what it did, and what took how long."""
    return await timeline.of_run(scope.session, run_id, locale)


@router.get("/runs/{run_id}", operation_id="runs_get")
async def get(scope: Reader, run_id: UUID, locale: ReaderLocale) -> RunDetail:
    """One run: its targets, its attempts, and why it waits if it does."""
    return await service.detail(scope.session, run_id, locale)


@router.post(
    "/runs/{run_id}/cancel",
    operation_id="runs_cancel",
    status_code=status.HTTP_202_ACCEPTED,
)
async def cancel(scope: Operator, run_id: UUID, locale: ReaderLocale) -> RunDetail:
    """Asks the run to stop; it has stopped when its state says so."""
    return await service.cancel(scope.session, scope.actor, run_id, locale)


@router.get("/runs/{run_id}/warnings", operation_id="runs_warnings")
async def warnings(
    scope: Reader,
    run_id: UUID,
    paging: Paging,
    q: Annotated[SearchText | None, Query(description="A part of the path, in any case.")] = None,
) -> Page[RunWarningOut]:
    """Each file that was not read or not restored, in the order in which they were met."""
    await service.check_exists(scope.session, run_id)
    rows = list(await query.warnings(scope.session, run_id, paging, q))
    rows, cursor = paging.slice(rows, [row[0].id for row in rows])
    return Page(items=[_warning(*row) for row in rows], next_cursor=cursor)


@router.get(
    "/runs/{run_id}/events",
    operation_id="runs_events",
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events `run` (a RunDetail) and `progress`, until the run has ended.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        },
    },
)
async def events(  # noqa: PLR0917 - FastAPI passes them by name
    scope: Reader,
    run_id: UUID,
    request: Request,
    locale: ReaderLocale,
    live: Live,
    sessions: CurrentSessions,
    pace: Annotated[Pace, Depends(_pace)],
) -> Response:
    """Follows a run live."""
    await service.check_exists(scope.session, run_id)
    signed_in = partial(sessions.is_alive, request.cookies.get(COOKIE, ""))
    reader = stream.Reader(Follower(scope.caller.user_id, scope.organization_id, signed_in), locale)
    state = request.app.state
    source = stream.Source(state.database, live, state.streams, state.stopping)

    async def follow() -> Response:
        return event_stream(run_events(source, reader, run_id, pace))

    return AfterCommit(request, follow)


def _warning(row: RunWarning, restic_repository_id: UUID | None) -> RunWarningOut:
    return RunWarningOut(
        id=row.id,
        restic_repository_id=restic_repository_id or _target_of(row.command_id),
        attempt=row.attempt,
        position=row.position,
        path=row.path,
        path_raw=None if row.path_raw is None else base64.b64encode(row.path_raw).decode("ascii"),
        code=row.code,
        message=row.message,
    )


def _target_of(command: str) -> UUID | None:
    """Of a command whose row is not kept any more: its id ends with what it was about."""
    try:
        return UUID(hex=command.rpartition(".")[2])
    except ValueError:
        return None
