"""Agents and enrolment tokens of an organization."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from sbs_server.agents import service, tokens
from sbs_server.agents.identity import CurrentAuthority
from sbs_server.agents.repository import AgentFilter
from sbs_server.agents.schemas import (
    AgentOut,
    AgentRename,
    AgentSort,
    EnrolmentTokenCreate,
    EnrolmentTokenCreated,
    EnrolmentTokenOut,
)
from sbs_server.auth.scope import ORGANIZATION, Admin, Operator, Reader
from sbs_server.config import Settings
from sbs_server.kit.http.edge import CurrentEdge, TransactionalRoute
from sbs_server.kit.http.etags import IfMatch, etag
from sbs_server.kit.http.inputs import SearchText
from sbs_server.kit.http.pages import Page, Paging
from sbs_server.kit.http.sorting import SortedPage, sorted_paging
from sbs_server.models import AgentState, EnrolmentToken

router = APIRouter(prefix=f"{ORGANIZATION}/agents", tags=["agents"], route_class=TransactionalRoute)
AgentPaging = Annotated[SortedPage[AgentSort], Depends(sorted_paging(AgentSort, AgentSort.NEWEST))]
token_router = APIRouter(
    prefix=f"{ORGANIZATION}/enrolment-tokens", tags=["enrolment_tokens"], route_class=TransactionalRoute
)


@token_router.post("", operation_id="enrolment_tokens_create", status_code=201)
async def enrolment_tokens_create(
    *,
    body: EnrolmentTokenCreate,
    request: Request,
    response: Response,
    scope: Operator,
    edge: CurrentEdge,
    authority: CurrentAuthority,
) -> EnrolmentTokenCreated:
    """Make a token that turns machines into agents. It is shown here and never again."""
    settings: Settings = request.app.state.settings
    row, text = await tokens.create(scope, body, authority.root_sha256)
    if edge.idempotency is not None:
        edge.idempotency.withhold("token", "command")
    response.headers["Location"] = f"{request.url.path}/{row.id}"
    command = f"sbs-agent enrol {settings.http.console_url}"
    return EnrolmentTokenCreated(**_token_out(row).model_dump(), token=text, command=command)


@token_router.get("", operation_id="enrolment_tokens_list")
async def enrolment_tokens_list(scope: Reader, paging: Paging) -> Page[EnrolmentTokenOut]:
    """Tokens, newest first; also used, expired and revoked ones."""
    rows, next_cursor = await tokens.listed(scope, paging)
    return Page(items=[_token_out(row) for row in rows], next_cursor=next_cursor)


@token_router.get("/{token_id}", operation_id="enrolment_tokens_get")
async def enrolment_tokens_get(token_id: UUID, scope: Reader) -> EnrolmentTokenOut:
    """One token, without its secret."""
    return _token_out(await tokens.get(scope, token_id))


@token_router.post("/{token_id}/revoke", operation_id="enrolment_tokens_revoke")
async def enrolment_tokens_revoke(token_id: UUID, scope: Operator) -> EnrolmentTokenOut:
    """Make a token useless. Agents enrolled with it before stay."""
    return _token_out(await tokens.revoke(scope, token_id))


@router.get("", operation_id="agents_list")
async def agents_list(  # noqa: PLR0917 - FastAPI passes them by name
    scope: Reader,
    paging: AgentPaging,
    state: AgentState | None = None,
    name: Annotated[SearchText | None, Query(description="A part of the name, in any case.")] = None,
    q: Annotated[
        SearchText | None, Query(description="A part of the name or the hostname, in any case.")
    ] = None,
    connected: bool | None = None,
) -> Page[AgentOut]:
    """Agents, newest first unless asked for otherwise."""
    wanted = AgentFilter(state=state, name=name, search=q, connected=connected)
    items, next_cursor = await service.listed(scope, wanted, paging)
    return Page(items=items, next_cursor=next_cursor)


@router.get("/{agent_id}", operation_id="agents_get")
async def agents_get(agent_id: UUID, response: Response, scope: Reader) -> AgentOut:
    """One agent."""
    return _answer(await service.get(scope, agent_id), response)


@router.patch("/{agent_id}", operation_id="agents_rename")
async def agents_rename(
    agent_id: UUID, body: AgentRename, response: Response, if_match: IfMatch, scope: Operator
) -> AgentOut:
    """Give an agent another name."""
    return _answer(await service.rename(scope, agent_id, body.name, if_match), response)


@router.post("/{agent_id}/revoke", operation_id="agents_revoke")
async def agents_revoke(agent_id: UUID, response: Response, scope: Admin) -> AgentOut:
    """Shut an agent out, at once and for good. Its backups stay."""
    return _answer(await service.revoke(scope, agent_id), response)


def _answer(agent: AgentOut, response: Response) -> AgentOut:
    response.headers["ETag"] = etag(agent.version)
    return agent


def _token_out(row: EnrolmentToken) -> EnrolmentTokenOut:
    return EnrolmentTokenOut(
        id=row.id,
        name=row.name,
        state=tokens.state_of(row),
        expires_at=row.expires_at,
        max_uses=row.max_uses,
        used_count=row.used_count,
        revoked_at=row.revoked_at,
        created_by=row.created_by,
        created_at=row.created_at,
    )
