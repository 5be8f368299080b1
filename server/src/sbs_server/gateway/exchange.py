"""One HTTP request and its answer, over plain ASGI: no framework stands between the socket and the file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable
from http import HTTPStatus

from starlette.types import Receive, Scope, Send

from sbs_server.gateway.errors import (
    CLOSE_CONNECTION,
    GatewayError,
    Header,
    LengthRequiredError,
    MalformedError,
    TooLargeError,
)
from sbs_server.kit.http.headers import CLIENT_CERTIFICATE, INGRESS, asgi_name

# Each of these decides something; two of one kind would let sender and receiver read different ones.
_ONCE = frozenset({b"content-length", b"range", asgi_name(INGRESS), asgi_name(CLIENT_CERTIFICATE)})


class ClientGoneError(Exception):
    """The client went away in the middle; there is nobody to answer."""


class Exchange:
    """A request with its answer; answer exactly once."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.raw_path: bytes = scope["raw_path"]
        self.query: bytes = scope["query_string"]
        self._pairs: list[Header] = list(scope["headers"])
        self.headers: dict[bytes, bytes] = dict(self._pairs)
        self.started = False
        self._body_read = False
        self._receive = receive
        self._send = send

    def check_headers(self) -> None:
        """Raises: MalformedError, if a header that decides something comes twice."""
        names = [name for name, _ in self._pairs if name in _ONCE]
        if len(names) != len(set(names)):
            raise MalformedError("Content-Length, Range and the ingress headers may each come once only")

    def content_length(self, limit_bytes: int) -> int:
        """Raises: LengthRequiredError, TooLargeError (server and parser have made sure that it is a number)."""
        header = self.headers.get(b"content-length")
        if header is None:
            raise LengthRequiredError(
                "an upload needs Content-Length (restic always sends it)", headers=(CLOSE_CONNECTION,)
            )
        size = int(header)
        if size > limit_bytes:
            raise TooLargeError(
                f"the object has {size} bytes; at most {limit_bytes} are accepted (restic's packs: --pack-size)",
                headers=(CLOSE_CONNECTION,),
            )
        return size

    async def body(self) -> AsyncGenerator[bytes, None]:
        """The request's body as it comes. Raises: ClientGoneError."""
        while not self._body_read:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            self._body_read = not message.get("more_body", False)
            if chunk := message.get("body", b""):
                yield chunk

    async def gone(self) -> None:
        """Comes back when the client has gone (or when the answer is complete)."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def start(self, status: int, headers: Iterable[Header]) -> None:
        self.started = True
        await self._send({"type": "http.response.start", "status": status, "headers": list(headers)})

    async def write(self, block: bytes, *, more: bool) -> None:
        """Comes back when the client's side has room for more."""
        await self._send({"type": "http.response.body", "body": block, "more_body": more})

    async def answer(self, status: int, headers: Iterable[Header] = (), body: bytes = b"") -> None:
        """A whole answer. HEAD answers keep their headers and lose their body in the server."""
        await self.start(status, [(b"content-length", str(len(body)).encode()), *headers])
        await self.write(body, more=False)

    async def refuse(self, error: GatewayError) -> None:
        """Problem details (RFC 9457). restic itself shows the status only: the text is for logs and people."""
        body = json.dumps(
            {
                "type": "about:blank",
                "title": HTTPStatus(error.status).phrase,
                "status": error.status,
                "code": error.code,
                "detail": str(error),
            }
        )
        # What is left of a body that nobody will read is drained by the server, unless the connection is closed.
        headers = [(b"content-type", b"application/problem+json"), *error.headers]
        await self.answer(error.status, headers, body.encode())


async def while_connected(
    exchange: Exchange, blocks: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    """`blocks`, ended by ClientGoneError when the client leaves: the server would go on swallowing them silently."""
    gone = asyncio.create_task(exchange.gone())
    try:
        async for block in blocks:
            if gone.done():
                raise ClientGoneError
            yield block
    finally:
        gone.cancel()
