"""Liveness and readiness over HTTP for roles that have no API of their own.

`GET /healthz` answers 200 while the process runs; `GET /readyz` answers 200 when every check passes, else 503
with the names of what is down.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

Check = Callable[[], Awaitable[None]]
"""Raises whatever it likes when its part can't be reached."""

_CHECK_TIMEOUT_S = 2.0
_LONGEST_REQUEST = 8 * 1024


class Health:
    def __init__(self, host: str, port: int, checks: Mapping[str, Check]) -> None:
        self._host = host
        self._port = port
        self._checks = checks

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answers while the block runs. Raises OSError when the port is taken."""
        server = await asyncio.start_server(self._answer, self._host, self._port, limit=_LONGEST_REQUEST)
        async with server:
            yield

    async def down(self) -> list[str]:
        """The names of the parts that can't be reached just now."""
        results = await asyncio.gather(*[_passes(check) for check in self._checks.values()])
        return [name for name, passed in zip(self._checks, results, strict=True) if not passed]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT_S * 2):
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(await self._response(request))
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked has gone, or talks no HTTP
        finally:
            writer.close()

    async def _response(self, request: bytes) -> bytes:
        path = request.split(b" ", 2)[1:2]
        if path == [b"/healthz"]:
            return _http(200, {"status": "ok"})
        if path == [b"/readyz"]:
            down = await self.down()
            return _http(503 if down else 200, {"status": "down" if down else "ok", "down": down})
        return _http(404, {"status": "not found"})


async def _passes(check: Check) -> bool:
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT_S):
            await check()
    except Exception:  # noqa: BLE001 - any failure of a check means just one thing: not ready
        return False
    return True


def _http(status: int, body: dict[str, object]) -> bytes:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} {'OK' if status == 200 else 'Not OK'}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode() + content
