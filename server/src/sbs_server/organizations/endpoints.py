"""/api/v1/organizations."""

from uuid import UUID

from fastapi import APIRouter, Response

from sbs_server.auth.caller import SignedIn
from sbs_server.kit.http.edge import CurrentEdge, TransactionalRoute
from sbs_server.kit.http.etags import IfMatch, etag
from sbs_server.kit.http.pages import Page, Paging
from sbs_server.organizations import service
from sbs_server.organizations.repository import OrganizationRow
from sbs_server.organizations.schemas import OrganizationCreate, OrganizationOut, OrganizationRename

PATH = "/api/v1/organizations"
router = APIRouter(prefix=PATH, tags=["organizations"], route_class=TransactionalRoute)


@router.get("", operation_id="organizations_list")
async def organizations_list(caller: SignedIn, edge: CurrentEdge, paging: Paging) -> Page[OrganizationOut]:
    """The organizations one belongs to; all of them for a platform operator."""
    rows, next_cursor = await service.listed(edge.session, caller.user_id, paging)
    return Page(items=[_out(row) for row in rows], next_cursor=next_cursor)


@router.post("", operation_id="organizations_create", status_code=201)
async def organizations_create(
    body: OrganizationCreate, response: Response, caller: SignedIn, edge: CurrentEdge
) -> OrganizationOut:
    """Create an organization. For platform operators."""
    row = await service.create(edge, caller, body)
    response.headers["Location"] = f"{PATH}/{row.id}"
    return _answer(row, response)


@router.get("/{organization_id}", operation_id="organizations_get")
async def organizations_get(
    organization_id: UUID, response: Response, caller: SignedIn, edge: CurrentEdge
) -> OrganizationOut:
    """One organization."""
    return _answer(await service.get(edge.session, caller.user_id, organization_id), response)


@router.patch("/{organization_id}", operation_id="organizations_rename")
async def organizations_rename(
    *,
    organization_id: UUID,
    body: OrganizationRename,
    response: Response,
    if_match: IfMatch,
    caller: SignedIn,
    edge: CurrentEdge,
) -> OrganizationOut:
    """Give an organization another name."""
    return _answer(await service.rename(edge, caller, organization_id, body.name, if_match), response)


def _answer(row: OrganizationRow, response: Response) -> OrganizationOut:
    response.headers["ETag"] = etag(row.version)
    return _out(row)


def _out(row: OrganizationRow) -> OrganizationOut:
    return OrganizationOut.model_validate(row, from_attributes=True)
