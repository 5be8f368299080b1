"""/healthz and /readyz."""

import asyncio
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from sqlalchemy import text
from valkey.asyncio import Valkey

from sbs_server.config import Settings
from sbs_server.kit.db.session import Database
from sbs_server.kit.health import Check, Health

router = APIRouter(include_in_schema=False)


def checks(settings: Settings, database: Database, valkey: Valkey) -> dict[str, Check]:
    """What the API needs, by name. Of NATS and Temporal: whether somebody listens."""

    async def postgresql() -> None:
        async with database.transaction() as session:
            await session.execute(text("SELECT 1"))

    async def cache() -> None:
        await valkey.ping()

    async def nats() -> None:
        await _reach(settings.nats.url)

    async def temporal() -> None:
        await _reach(f"//{settings.temporal.address}")

    return {"postgresql": postgresql, "valkey": cache, "nats": nats, "temporal": temporal}


async def _reach(url: str) -> None:
    parts = urlsplit(url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.close()
    await writer.wait_closed()


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """200 while the process answers at all."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request, response: Response) -> dict[str, str | list[str]]:
    """200 when everything it needs is there, else 503 with the names of what is down."""
    health: Health = request.app.state.health
    down = await health.down()
    response.status_code = 503 if down else 200
    return {"status": "down" if down else "ok", "down": down}
