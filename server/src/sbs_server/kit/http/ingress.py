"""Who may talk to us at all: our own ingress, under our own names, from our own pages.

Three checks before anything else: the secret only the ingress knows (any process of this machine can open our port),
the Host (a page that makes its own name point here has another), and for acts the Origin (another site's page).
"""

import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from sbs_server.kit.errors import ForbiddenError, MisdirectedError, SbsError
from sbs_server.kit.http.context import PROBES
from sbs_server.kit.http.headers import FORWARDED_FOR, INGRESS
from sbs_server.kit.http.problems import respond

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class IngressOnly:
    """Answers 403 and 421. The probes are open: whoever looks after the process calls them directly."""

    def __init__(self, app: ASGIApp, secret: str, hosts: Iterable[str]) -> None:
        self._app = app
        self._secret = secret.encode()
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in PROBES:
            try:
                self._check(scope["method"], Headers(scope=scope))
            except SbsError as error:
                await respond(Request(scope), error, {"Connection": "close"})(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, method: str, headers: Headers) -> None:
        given = headers.get(INGRESS, "").encode("latin-1")
        if not hmac.compare_digest(given, self._secret):
            raise ForbiddenError("request.ingress")
        host = headers.get("host", "").lower()
        if _name(host) not in self._hosts:
            raise MisdirectedError("request.host")
        origin = headers.get("origin")
        if method not in SAFE_METHODS and origin is not None and urlsplit(origin).netloc.lower() != host:
            raise ForbiddenError("request.origin")


def client_address(request: Request) -> str | None:
    """The address of who called the ingress: the last one it added itself; what stands before is hearsay."""
    forwarded = request.headers.get(FORWARDED_FOR, "").rpartition(",")[2].strip()
    if forwarded:
        return forwarded
    return None if request.client is None else request.client.host


def _name(host: str) -> str:
    """The name in a Host header, without port and brackets; empty if it is not one."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
