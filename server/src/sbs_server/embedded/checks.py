"""Readiness checks that several components share: each answers yes or no, now."""

from __future__ import annotations

import asyncio
import contextlib

from sbs_server.embedded.component import Check, Context
from sbs_server.embedded.ports import LOOPBACK

_TIMEOUT_S = 2.0
_MAX_ANSWER_BYTES = 64 * 1024


def http_ok(port: str, path: str) -> Check:
    """A check that GET `path` on the loopback port called `port` answers 200."""

    async def check(context: Context) -> bool:
        number = context.ports[port]
        request = f"GET {path} HTTP/1.1\r\nHost: {LOOPBACK}:{number}\r\nConnection: close\r\n\r\n"
        answer = await talk(number, request.encode(), b"\n")
        return answer.split(b" ")[1:2] == [b"200"]

    return check


async def talk(port: int, request: bytes, until: bytes) -> bytes:
    """Send `request` to a loopback port and return the answer up to `until`; empty if nobody answers in time."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(LOOPBACK, port, limit=_MAX_ANSWER_BYTES)
            try:
                writer.write(request)
                return await reader.readuntil(until)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return b""
