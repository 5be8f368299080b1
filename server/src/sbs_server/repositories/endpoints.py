"""`/repositories`: where backups go."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, status
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.auth.scope import ORGANIZATION, Admin, Reader
from sbs_server.kit.errors import FieldProblem
from sbs_server.kit.http.edge import TransactionalRoute
from sbs_server.kit.http.etags import IfMatch, etag
from sbs_server.kit.http.explained import ReaderLocale, explain_problem
from sbs_server.kit.http.inputs import SearchText
from sbs_server.kit.http.pages import Page
from sbs_server.kit.http.sorting import SortedPage, sorted_paging
from sbs_server.kit.i18n import Locale
from sbs_server.models import Repository
from sbs_server.repositories import repository as query
from sbs_server.repositories import service
from sbs_server.repositories.places import Places
from sbs_server.repositories.schemas import (
    RepositoryCreate,
    RepositoryDetail,
    RepositoryEdit,
    RepositoryOut,
    RepositorySort,
    RepositoryTest,
    RepositoryTestOut,
    ResticRepositoryOut,
    StorageRootOut,
    StorageRoots,
    TestStep,
)
from sbs_server.repositories.spaces import Finding, Spaces
from sbs_server.repositories.trials import Space, Trial

router = APIRouter(
    prefix=f"{ORGANIZATION}/repositories",
    tags=["repositories"],
    route_class=TransactionalRoute,
)


root_router = APIRouter(
    prefix=f"{ORGANIZATION}/storage-roots",
    tags=["storage_roots"],
    route_class=TransactionalRoute,
)


def _places(request: Request) -> Places:
    places: Places = request.app.state.places
    return places


def _spaces(request: Request) -> Spaces:
    spaces: Spaces = request.app.state.spaces
    return spaces


StoragePlaces = Annotated[Places, Depends(_places)]
CurrentSpaces = Annotated[Spaces, Depends(_spaces)]
RepositoryPaging = Annotated[
    SortedPage[RepositorySort], Depends(sorted_paging(RepositorySort, RepositorySort.NEWEST))
]


@root_router.get("", operation_id="storage_roots_list")
async def storage_roots(scope: Admin, places: StoragePlaces, locale: ReaderLocale) -> StorageRoots:
    """The operator's storage roots: a repository's folder lies below one of them."""
    del scope
    return StorageRoots(items=[_root(*one, locale) for one in await places.root_spaces()])


@router.get("", operation_id="repositories_list")
async def list_(
    scope: Reader,
    paging: RepositoryPaging,
    spaces: CurrentSpaces,
    locale: ReaderLocale,
    name: Annotated[SearchText | None, Query(description="A part of the name, in any case.")] = None,
) -> Page[RepositoryOut]:
    """The organization's repositories, newest first unless asked for otherwise."""
    rows = list(await query.page(scope.session, paging, name))
    rows, cursor = paging.slice(rows, lambda row: query.place(row, paging.sort))
    return Page(items=await _outs(scope.session, spaces, rows, locale), next_cursor=cursor)


@router.post(
    "",
    operation_id="repositories_create",
    status_code=status.HTTP_201_CREATED,
)
async def create(
    scope: Admin, body: RepositoryCreate, places: StoragePlaces, locale: ReaderLocale, response: Response
) -> RepositoryDetail:
    """Takes a folder for backups. It is tried first: reached, empty or new, written to, read back."""
    made = await service.create(scope.session, scope.organization_id, scope.actor, places, body)
    response.headers["Location"] = f"/api/v1/organizations/{scope.organization_id}/repositories/{made.id}"
    response.headers["ETag"] = etag(made.version)
    return await _detail(scope.session, places, made, locale)


@router.post("/test", operation_id="repositories_test")
async def test(
    scope: Admin, body: RepositoryTest, places: StoragePlaces, locale: ReaderLocale
) -> RepositoryTestOut:
    """Says what creating a repository there would say, step by step, and leaves nothing behind."""
    return _trial(await service.test(scope.session, scope.organization_id, places, body.path), locale)


@router.get("/{repository_id}", operation_id="repositories_get")
async def get(
    scope: Reader, repository_id: UUID, places: StoragePlaces, locale: ReaderLocale, response: Response
) -> RepositoryDetail:
    """One repository, the space of its disk, and the restic repositories in it."""
    found = await service.get(scope.session, repository_id)
    response.headers["ETag"] = etag(found.version)
    return await _detail(scope.session, places, found, locale)


@router.patch(
    "/{repository_id}",
    operation_id="repositories_rename",
)
async def rename(  # noqa: PLR0917 - FastAPI passes them by name
    scope: Admin,
    repository_id: UUID,
    body: RepositoryEdit,
    if_match: IfMatch,
    spaces: CurrentSpaces,
    locale: ReaderLocale,
    response: Response,
) -> RepositoryOut:
    """Gives it another name. Its place never changes."""
    found = await service.rename(scope.session, scope.actor, repository_id, body.name, if_match)
    response.headers["ETag"] = etag(found.version)
    return (await _outs(scope.session, spaces, [found], locale))[0]


@router.delete(
    "/{repository_id}",
    operation_id="repositories_delete",
    status_code=status.HTTP_204_NO_CONTENT,
)
async def delete(scope: Admin, repository_id: UUID) -> None:
    """Forgets a repository that no job uses and that holds no snapshots. Its files stay where they are."""
    await service.delete(scope.session, scope.actor, repository_id)


async def _outs(
    session: AsyncSession, spaces: Spaces, rows: list[Repository], locale: Locale
) -> list[RepositoryOut]:
    counts = await query.count_snapshots(session, [row.id for row in rows])
    found = await spaces.of(rows)
    return [_out(row, counts.get(row.id, 0), found.get(row.id), locale) for row in rows]


def _out(row: Repository, snapshots: int, found: Finding | None, locale: Locale) -> RepositoryOut:
    known = found if isinstance(found, Space) else None
    return RepositoryOut(
        id=row.id,
        name=row.name,
        kind=row.kind,
        layout=row.layout,
        path=row.path,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        snapshots=snapshots,
        free_bytes=None if known is None else known.free_bytes,
        total_bytes=None if known is None else known.total_bytes,
        problem=explain_problem(locale, found) if isinstance(found, FieldProblem) else None,
    )


def _root(path: str, found: Finding, locale: Locale) -> StorageRootOut:
    known = found if isinstance(found, Space) else None
    return StorageRootOut(
        path=path,
        free_bytes=None if known is None else known.free_bytes,
        total_bytes=None if known is None else known.total_bytes,
        problem=explain_problem(locale, found) if isinstance(found, FieldProblem) else None,
    )


async def _detail(session: AsyncSession, places: Places, row: Repository, locale: Locale) -> RepositoryDetail:
    below = await query.restic_repositories(session, row.id)
    counts = await query.count_snapshots(session, [row.id])
    out = _out(row, counts.get(row.id, 0), await service.space(places, row), locale)
    return RepositoryDetail(
        **out.model_dump(),
        restic_repositories=[
            ResticRepositoryOut(
                id=one.id,
                agent_id=one.agent_id,
                agent_name=agent_name,
                state=one.state,
                state_reason=one.state_reason,
                restic_id=one.restic_id,
                path=one.path,
            )
            for one, agent_name in below
        ],
    )


def _trial(trial: Trial, locale: Locale) -> RepositoryTestOut:
    steps = [TestStep(step=step, ok=True) for step in trial.done]
    if trial.failed is not None and trial.problem is not None:
        steps.append(TestStep(step=trial.failed, ok=False, problem=explain_problem(locale, trial.problem)))
    return RepositoryTestOut(
        ok=trial.failed is None,
        steps=steps,
        free_bytes=None if trial.space is None else trial.space.free_bytes,
        total_bytes=None if trial.space is None else trial.space.total_bytes,
    )
