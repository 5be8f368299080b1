"""Server-sent events of one run, until it has ended.

`event: run` with the whole run, first and after each change; `event: progress` in between. A comment keeps the
connection alive. The database is asked in transactions of their own, and so is whether the reader still may look.
When the bus is lost the stream ends early, and the reader begins a new one, as browsers do by themselves.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from sbs_server.auth.reading import Follower
from sbs_server.kit.db.session import Database
from sbs_server.kit.http.event_stream import STILL_HERE, event
from sbs_server.kit.http.open_streams import OpenStreams
from sbs_server.kit.i18n import Locale
from sbs_server.runs import service
from sbs_server.runs.live import LiveSource, Watch
from sbs_server.runs.schemas import RunDetail

KEEP_ALIVE_S = 15.0
RECHECK_S = 45.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between comments, and between looks whether the reader still may read."""

    keep_alive_s: float = KEEP_ALIVE_S
    recheck_s: float = RECHECK_S


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks, and in which language."""

    follower: Follower
    locale: Locale


@dataclass(frozen=True, slots=True)
class Source:
    """Where the stream gets its news. `stopping` is set when the process is to end: then so does the stream."""

    database: Database
    live: LiveSource
    streams: OpenStreams
    stopping: asyncio.Event


async def run_events(source: Source, reader: Reader, run_id: UUID, pace: Pace) -> AsyncGenerator[bytes, None]:
    """The stream. Ends after the run's last event, or when the reader may not read any more.

    Raises TooManyRequestsError, UnavailableError: before the first piece.
    """
    with source.streams.place_for(reader.follower.user_id):
        async with (
            source.live.watch(reader.follower.organization_id, run_id) as watch,
            aclosing(_told(source, reader, run_id, watch, pace)) as pieces,
        ):
            async for piece in pieces:
                yield piece


async def _told(
    source: Source, reader: Reader, run_id: UUID, watch: Watch, pace: Pace
) -> AsyncGenerator[bytes, None]:
    run = await _read(source.database, reader, run_id)
    if run is None:
        return
    yield event("run", run.model_dump_json())
    kept = None if run.state.is_final else await source.live.last_progress(run_id)
    if kept is not None:
        yield event("progress", kept)
    checked = time.monotonic()
    while not run.state.is_final and not source.stopping.is_set():
        await watch.wait(source.stopping, pace.keep_alive_s)
        if watch.gone:
            return
        changed, progress = watch.take()
        if progress is not None:
            yield event("progress", progress)
        elif not changed:
            yield STILL_HERE
        if changed or time.monotonic() - checked >= pace.recheck_s:
            fresh, checked = await _read(source.database, reader, run_id), time.monotonic()
            if fresh is None:
                return
            if fresh != run:
                run = fresh
                yield event("run", run.model_dump_json())


async def _read(database: Database, reader: Reader, run_id: UUID) -> RunDetail | None:
    """The run as it is now; None: the reader may not see it any more."""
    who = reader.follower
    if not await who.signed_in():
        return None
    async with database.transaction(who.organization_id, user_id=who.user_id) as session:
        if not await who.may_read(session):
            return None
        return await service.detail(session, run_id, reader.locale)
