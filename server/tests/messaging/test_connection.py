"""A link to NATS, when there is somebody who takes the connection and nobody who serves it."""

import asyncio

from sbs_server.config import Settings
from sbs_server.messaging.connection import Link
from sbs_server.testing.bus import eventually


async def test_a_handshake_that_breaks_off_is_tried_again_and_no_hang(bus_settings: Settings) -> None:
    tries = 0

    async def close_after_the_first_bytes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        await reader.read(100)
        writer.close()

    async def tried_again() -> bool:
        return tries > 1

    server = await asyncio.start_server(close_after_the_first_bytes, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    nats = bus_settings.nats.model_copy(update={"url": f"tls://127.0.0.1:{port}"})
    async with server:
        running = asyncio.create_task(Link(nats, "control").run())
        try:
            await eventually(tried_again, "it is tried again", within_s=60)
        finally:
            running.cancel()
            await asyncio.wait([running])
