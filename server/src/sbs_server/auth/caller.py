"""Who calls: the signed-in person behind a request's session cookie."""

import hmac
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie

from sbs_server.audit.service import Actor
from sbs_server.auth import service
from sbs_server.auth.sessions import COOKIE, CurrentSessions, StoredSession
from sbs_server.kit.errors import ForbiddenError, UnauthenticatedError
from sbs_server.kit.http.edge import CurrentEdge
from sbs_server.kit.http.ingress import SAFE_METHODS, client_address

CSRF_HEADER = "X-CSRF-Token"
_COOKIE = APIKeyCookie(
    name=COOKIE, auto_error=False, scheme_name="session", description="Set by POST /api/v1/session."
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A person who is signed in. `address` is where they call from, as the ingress saw it."""

    user_id: UUID
    email: str
    full_name: str
    locale: str
    is_platform_operator: bool
    address: str | None

    @property
    def actor(self) -> Actor:
        """The person, for the audit log."""
        return Actor("user", str(self.user_id), self.address)


async def current_session(
    request: Request, cookie: Annotated[str | None, Security(_COOKIE)], sessions: CurrentSessions
) -> StoredSession:
    """The session, with its CSRF token checked where something is changed.

    Raises:
        UnauthenticatedError: there is none, or it has ended; ForbiddenError: the token is missing or wrong.
    """
    found = None if cookie is None else await sessions.find(cookie)
    if found is None:
        raise UnauthenticatedError("request.unauthenticated")
    if request.method not in SAFE_METHODS:
        given = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), found.csrf_token.encode()):
            raise ForbiddenError("request.csrf")
    return found


CurrentSession = Annotated[StoredSession, Depends(current_session)]


async def signed_in(request: Request, session: CurrentSession, edge: CurrentEdge) -> Caller:
    """The person, as the database knows them now: a disabled account is out at once.

    Raises:
        UnauthenticatedError: nobody, or nobody any more.
    """
    account = await service.find_account(edge.session, session.user_id)
    if account is None or account.disabled:
        raise UnauthenticatedError("request.unauthenticated")
    caller = Caller(
        user_id=account.id,
        email=account.email,
        full_name=account.full_name,
        locale=account.locale,
        is_platform_operator=account.is_platform_operator,
        address=client_address(request),
    )
    request.state.caller = caller
    request.state.locale = caller.locale
    structlog.contextvars.bind_contextvars(user_id=str(caller.user_id))
    return caller


SignedIn = Annotated[Caller, Depends(signed_in)]
