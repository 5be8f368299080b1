"""The connection to the bus, when there is somebody who takes it and nobody who serves it."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from sbs_agent.bus import connected
from sbs_agent.config import Identity
from sbs_agent.errors import UnreachableError
from sbs_agent.pace import Pace
from sbs_protocol.enrolment import Endpoints

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    writer.close()


async def _aborts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    writer.transport.abort()


async def _closes_after_the_first_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As an ingress does whose backend is away."""
    await reader.read(100)
    writer.close()


@pytest.mark.parametrize("serve", [_closes, _aborts, _closes_after_the_first_bytes])
async def test_a_handshake_that_breaks_off_is_an_error_and_no_hang(serve: Serve) -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    endpoints = Endpoints(agent_url="https://localhost:1", nats_url=f"tls://localhost:{port}")
    identity = Identity(
        organization_id=uuid4(),
        agent_id=uuid4(),
        server_url="https://localhost:1",
        endpoints=endpoints,
        enrolled_at=datetime.now(UTC),
    )
    async with server:
        with pytest.raises(UnreachableError):
            async with asyncio.timeout(30), connected(identity, ssl.create_default_context(), Pace()):
                raise AssertionError("nobody can have let us in")
