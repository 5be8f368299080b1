"""`/snapshots`: points in time, their folders and files."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from sbs_server.auth.scope import ORGANIZATION, Operator, Reader
from sbs_server.kit.http.after_commit import AfterCommit
from sbs_server.kit.http.edge import TransactionalRoute
from sbs_server.kit.http.inputs import Moment
from sbs_server.kit.http.pages import Page
from sbs_server.kit.http.sorting import SortedPage, sorted_paging
from sbs_server.snapshots import downloads, service
from sbs_server.snapshots import repository as query
from sbs_server.snapshots.paths import LONGEST_PATH, checked_path, decode_place, encode_place
from sbs_server.snapshots.reader import SnapshotReader
from sbs_server.snapshots.repository import SnapshotFilter, SnapshotSort
from sbs_server.snapshots.schemas import FileEntry, SnapshotDetail, SnapshotOut

router = APIRouter(
    prefix=f"{ORGANIZATION}/snapshots",
    tags=["snapshots"],
    route_class=TransactionalRoute,
)
PathInSnapshot = Annotated[str, Query(max_length=LONGEST_PATH, description="Absolute path in the snapshot.")]


def snapshot_filter(  # noqa: PLR0917 - FastAPI passes them by name
    agent_id: UUID | None = None,
    job_id: UUID | None = None,
    dataset_id: UUID | None = None,
    repository_id: UUID | None = None,
    forgotten: Annotated[bool, Query(description="Also those that have no copy any more.")] = False,
    taken_from: Annotated[Moment | None, Query(description="Taken at that moment or later.")] = None,
    taken_to: Annotated[Moment | None, Query(description="Taken before that moment.")] = None,
) -> SnapshotFilter:
    return SnapshotFilter(agent_id, job_id, dataset_id, repository_id, forgotten, taken_from, taken_to)


def _reader(request: Request) -> SnapshotReader:
    reader: SnapshotReader = request.app.state.snapshot_reader
    return reader


Restic = Annotated[SnapshotReader, Depends(_reader)]
Filter = Annotated[SnapshotFilter, Depends(snapshot_filter)]
SnapshotPaging = Annotated[
    SortedPage[SnapshotSort], Depends(sorted_paging(SnapshotSort, SnapshotSort.NEWEST))
]


@router.get("", operation_id="snapshots_list")
async def list_(scope: Reader, paging: SnapshotPaging, wanted: Filter) -> Page[SnapshotOut]:
    """Snapshots, the last taken first unless asked for otherwise."""
    rows = list(await query.page(scope.session, paging, wanted))
    rows, cursor = paging.slice(rows, lambda row: (row[0].taken_at, row[0].id))
    return Page(items=[service.snapshot_out(row) for row in rows], next_cursor=cursor)


@router.get("/{snapshot_id}", operation_id="snapshots_get")
async def get(scope: Reader, snapshot_id: UUID) -> SnapshotDetail:
    """One snapshot and where its copies lie."""
    return await service.detail(scope.session, snapshot_id)


@router.get("/{snapshot_id}/files", operation_id="snapshots_files", response_model=Page[FileEntry])
async def files(  # noqa: PLR0917 - FastAPI passes them by name
    scope: Reader,
    snapshot_id: UUID,
    request: Request,
    reader: Restic,
    path: PathInSnapshot = "/",
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Response:
    """A folder of the snapshot, sorted by name."""
    folder, after = checked_path(path), 0 if cursor is None else decode_place(cursor)
    copy = await service.open_copy(scope.session, request.app.state.secrets, snapshot_id)

    async def work() -> Response:
        listing = await reader.folder(copy, folder, after, limit)
        page = Page[FileEntry](
            items=[service.entry(node) for node in listing.nodes],
            next_cursor=encode_place(after + limit) if listing.more else None,
        )
        return Response(page.model_dump_json(), media_type="application/json")

    return AfterCommit(request, work)


@router.get(
    "/{snapshot_id}/content",
    operation_id="snapshots_content",
    response_class=Response,
    responses={
        200: {
            "description": "The file's bytes.",
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def content(
    scope: Operator, snapshot_id: UUID, request: Request, reader: Restic, path: PathInSnapshot
) -> Response:
    """One file of the snapshot. A transfer that breaks off was not complete: compare Content-Length."""
    state = request.app.state
    copy = await service.open_copy(scope.session, state.secrets, snapshot_id)
    download = downloads.Download(scope.organization_id, scope.actor, snapshot_id, checked_path(path))

    async def work() -> Response:
        return await downloads.answer(state.database, reader, copy, download)

    return AfterCommit(request, work)
