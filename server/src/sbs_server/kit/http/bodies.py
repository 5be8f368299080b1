"""Bodies: bounded in size, whole before anything else is done, and JSON."""

import asyncio
import contextlib

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sbs_server.kit.errors import SbsError, TooLargeError, UnsupportedMediaTypeError
from sbs_server.kit.http.problems import respond

LARGEST_BODY_BYTES = 1024 * 1024
_DISCARD_BYTES = 32 * 1024 * 1024
_DISCARD_S = 5.0


class JsonBodies:
    """Reads the body (at most `limit_bytes`, also when it comes in chunks) before the application begins.

    So no transaction is open while a slow client sends, and nothing has begun when the body turns out too large.
    Answers 413 and 415.
    """

    def __init__(self, app: ASGIApp, limit_bytes: int = LARGEST_BODY_BYTES) -> None:
        self._app = app
        self._limit = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, body = Headers(scope=scope), _Body(receive)
        try:
            whole = await body.read(headers, self._limit)
            _check_media_type(headers, has_body=bool(whole))
        except _GoneError:
            return
        except SbsError as error:
            await body.discard()
            await respond(Request(scope), error, {"Connection": "close"})(scope, receive, send)
            return
        await self._app(scope, _replay(whole, receive), send)


class _GoneError(Exception):
    """The client went away in the middle of its body."""


class _Body:
    """The body of one request as it comes in."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True

    async def read(self, headers: Headers, limit: int) -> bytes:
        """All of it. Raises `TooLargeError`, `_GoneError`."""
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > limit:
            raise TooLargeError("request.too_large", limit_bytes=limit)
        parts = bytearray()
        while self._more:
            parts += await self._next()
            if len(parts) > limit:
                raise TooLargeError("request.too_large", limit_bytes=limit)
        return bytes(parts)

    async def discard(self) -> None:
        """Reads on for a while: whoever is still sending when the connection closes never sees the answer."""
        seen = 0
        with contextlib.suppress(TimeoutError, _GoneError):
            async with asyncio.timeout(_DISCARD_S):
                while self._more and seen < _DISCARD_BYTES:
                    seen += len(await self._next())

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        self._more = message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part


def _check_media_type(headers: Headers, *, has_body: bool) -> None:
    given = headers.get("content-type", "").partition(";")[0].strip().lower()
    if has_body and given != "application/json":
        raise UnsupportedMediaTypeError("request.media_type")


def _replay(body: bytes, receive: Receive) -> Receive:
    """`receive` that gives the body once, then whatever comes (the end of the connection)."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message
