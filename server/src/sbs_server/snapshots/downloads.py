"""One file of a snapshot, on its way to a browser."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import quote
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from sbs_server.audit.service import Actor, record
from sbs_server.kit.db.session import Database
from sbs_server.kit.errors import SbsError
from sbs_server.kit.http.after_commit import ByteStream
from sbs_server.snapshots.reader import OpenCopy, SnapshotReader, TruncatedError


@dataclass(frozen=True, slots=True)
class Download:
    """Who takes which file."""

    organization_id: UUID
    actor: Actor
    snapshot_id: UUID
    path: str

    async def note(self, session: AsyncSession, result: Literal["done", "failed"]) -> None:
        """Writes it to the audit log."""
        target, details = ("snapshot", str(self.snapshot_id)), {"path": self.path}
        action = "snapshot.file_downloaded"
        await record(
            session, self.organization_id, self.actor, action, target=target, result=result, details=details
        )


async def answer(database: Database, reader: SnapshotReader, copy: OpenCopy, download: Download) -> Response:
    """The file as an attachment. Raises NotFoundError, InvalidError on `query:path`, UnavailableError."""
    size = await reader.file_size(copy, download.path)
    async with database.transaction(download.organization_id) as session:
        await download.note(session, "done")
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": attachment(PurePosixPath(download.path).name),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
    body = _noting_failure(database, reader.content(copy, download.path, size), download)
    return ByteStream(body, media_type="application/octet-stream", headers=headers)


async def _noting_failure(
    database: Database, content: AsyncGenerator[bytes, None], download: Download
) -> AsyncGenerator[bytes, None]:
    try:
        async for piece in content:
            yield piece
    except (SbsError, TruncatedError):
        async with database.transaction(download.organization_id) as session:
            await download.note(session, "failed")
        raise
    finally:
        await content.aclose()


def attachment(name: str) -> str:
    """A Content-Disposition with the exact name (RFC 5987) and a plain one for old programs."""
    plain = "".join(c if " " <= c <= "~" and c not in '"\\%;' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
