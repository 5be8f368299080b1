"""Answers that take their time: made after the request's transaction has been given back.

An endpoint that reads a repository or streams to a browser for hours must not hold a database connection
meanwhile. It does its database work, and returns `AfterCommit` with what is left to do. That work is cancelled
when the client is gone.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from sbs_server.kit.errors import SbsError
from sbs_server.kit.http.problems import respond

STALL_S = 120.0


class BrokenOffError(Exception):
    """An answer that had begun can't be finished: the connection has to break."""


class ByteStream(Response):
    """Sends what `body` gives, piece by piece, and closes it however the sending ends.

    What `body` raises in the middle goes on to the server, which then breaks the connection: a client can tell.
    The same happens to a client that takes nothing for `stall_s` seconds.
    """

    def __init__(
        self,
        body: AsyncGenerator[bytes, None],
        *,
        media_type: str,
        headers: Mapping[str, str] | None = None,
        stall_s: float = STALL_S,
    ) -> None:
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        self.stream = body
        self._stall_s = stall_s
        self.init_headers(headers)

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        async with aclosing(self.stream) as pieces:
            # The first one before the status: what fails at once can still be told as an error.
            piece = await anext(pieces, None)
            await send(
                {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
            )
            while piece is not None:
                async with asyncio.timeout(self._stall_s):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await anext(pieces, None)
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class AfterCommit(Response):
    """Does `work` when the transaction is over and sends the answer that it gives, or the problem it raises."""

    def __init__(self, request: Request, work: Callable[[], Awaitable[Response]]) -> None:
        super().__init__()
        self._request = request
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(scope, receive, send))
        leaving = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            # Not gone before the work has cleaned up behind itself.
            await asyncio.wait({sending, leaving})
        if not sending.cancelled():
            sending.result()

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            answer = await self._work()
            await answer(scope, receive, send_noting)
        except SbsError as error:
            if started:
                raise BrokenOffError(error.code) from error
            await respond(self._request, error)(scope, receive, send)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
