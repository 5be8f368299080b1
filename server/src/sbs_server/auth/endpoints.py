"""/api/v1/session: sign in, who am I, sign out."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Cookie, Depends, Request, Response

from sbs_server.audit.service import Actor, record
from sbs_server.auth import service
from sbs_server.auth.caller import Caller, CurrentSession, SignedIn
from sbs_server.auth.repository import Account
from sbs_server.auth.schemas import MembershipOut, SessionCreate, SessionOut, UserOut
from sbs_server.auth.service import SignIn
from sbs_server.auth.sessions import COOKIE, CurrentSessions, clear_cookie, set_cookie
from sbs_server.kit.http.edge import CurrentEdge, Edge, TransactionalRoute
from sbs_server.kit.http.ingress import client_address

PATH = "/api/v1/session"
router = APIRouter(prefix=PATH, tags=["session"], route_class=TransactionalRoute)


def _sign_in(request: Request) -> SignIn:
    sign_in: SignIn = request.app.state.sign_in
    return sign_in


@router.post("", operation_id="session_create", status_code=201)
async def session_create(
    *,
    body: SessionCreate,
    request: Request,
    response: Response,
    edge: CurrentEdge,
    sessions: CurrentSessions,
    sign_in: Annotated[SignIn, Depends(_sign_in)],
    before: Annotated[str | None, Cookie(alias=COOKIE, include_in_schema=False)] = None,
) -> SessionOut:
    """Sign in with e-mail and password. The cookie is the session; `csrf_token` goes with every act."""
    address = client_address(request)
    account = await sign_in.account(body.email, body.password, address)
    if before is not None:
        await sessions.end(before)
    cookie, session = await sessions.start(account.id)
    set_cookie(response, cookie)
    response.headers["Location"] = PATH
    request.state.locale = account.locale
    answer = await _session_out(edge, account, session.csrf_token)
    actor = Actor("user", str(account.id), address)
    await record(edge.session, None, actor, "session.created", target=_target(account.id))
    return answer


@router.get("", operation_id="session_get")
async def session_get(caller: SignedIn, session: CurrentSession, edge: CurrentEdge) -> SessionOut:
    """Who is signed in, and where they belong."""
    return await _session_out(edge, caller, session.csrf_token)


@router.delete("", operation_id="session_delete", status_code=204)
async def session_delete(
    request: Request, response: Response, caller: SignedIn, edge: CurrentEdge, sessions: CurrentSessions
) -> None:
    """Sign out."""
    await sessions.end(request.cookies[COOKIE])
    clear_cookie(response)
    await record(edge.session, None, caller.actor, "session.ended", target=_target(caller.user_id))


async def _session_out(edge: Edge, person: Account | Caller, csrf_token: str) -> SessionOut:
    user_id = person.id if isinstance(person, Account) else person.user_id
    return SessionOut(
        user=UserOut(
            id=user_id,
            email=person.email,
            full_name=person.full_name,
            locale=person.locale,
            is_platform_operator=person.is_platform_operator,
        ),
        memberships=[
            MembershipOut(organization_id=m.organization_id, organization_name=m.name, role=m.role)
            for m in await service.memberships(edge.session, user_id)
        ],
        csrf_token=csrf_token,
    )


def _target(user_id: UUID) -> tuple[str, str]:
    return "user", str(user_id)
