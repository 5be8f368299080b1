"""The outermost layer of a request: its id, its line in the log, and an answer when everything else failed."""

import re
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sbs_server.kit.errors import SbsError
from sbs_server.kit.http.problems import respond
from sbs_server.kit.ids import new_id

log = structlog.get_logger()

PROBES = frozenset({"/healthz", "/readyz"})
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class RequestContext:
    """Gives each request an id (X-Request-Id), logs it without its query, and turns what nobody caught into 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(Headers(scope=scope))
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id)
        started = time.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, answer)
            except Exception as error:  # noqa: BLE001 - the last one to see it
                await _failed(scope, receive, answer, error)
            _log(scope, answer.status, time.monotonic() - started)


class _Answer:
    """`send`, with our headers on the way and the status remembered."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._request_id
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _GIVEN_ID.fullmatch(given) else new_id().hex


async def _failed(scope: Scope, receive: Receive, answer: _Answer, error: Exception) -> None:
    log.error("request failed", path=scope["path"], exc_info=error)
    if answer.status is not None:  # too late for another answer: the connection has to break
        raise error
    await respond(Request(scope), SbsError("request.internal"))(scope, receive, answer)


def _log(scope: Scope, status: int | None, seconds: float) -> None:
    if scope["path"] in PROBES:
        return
    log.info(
        "request",
        method=scope["method"],
        path=scope["path"],
        status=status,
        milliseconds=round(seconds * 1000, 1),
    )
