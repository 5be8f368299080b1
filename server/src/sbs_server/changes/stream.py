"""Server-sent events of one organization, for as long as the reader may read.

`ready` first, then `changed` with ids to go on from, `progress` of each run at most once a second, `reset` when
changes were lost on the way. A comment keeps the connection alive. No database connection is held meanwhile.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from sbs_server.auth.reading import Follower
from sbs_server.changes.feed import ChangeFeed, Watch
from sbs_server.changes.schemas import Ready, Reset, RunProgress
from sbs_server.kit.db.session import Database
from sbs_server.kit.http.event_stream import STILL_HERE, event
from sbs_server.kit.http.open_streams import OpenStreams


@dataclass(frozen=True, slots=True)
class Tempo:
    """In seconds: between comments, between looks whether the reader may still read, between two of a run's progress.

    After `longest_s` a stream ends: its reader comes back by itself, perhaps to another process.
    """

    keep_alive_s: float = 15.0
    recheck_s: float = 30.0
    progress_s: float = 1.0
    longest_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Source:
    """Where the stream gets its news. `stopping` is set when the process is to end: then so does the stream."""

    database: Database
    feed: ChangeFeed
    streams: OpenStreams
    stopping: asyncio.Event


class _Paced:
    """The progress of runs, each let through at most once in a while."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._waiting: dict[UUID, RunProgress] = {}
        self._told_at: dict[UUID, float] = {}

    def add(self, progress: dict[UUID, RunProgress]) -> None:
        self._waiting |= progress

    def due(self) -> list[RunProgress]:
        now = time.monotonic()
        self._told_at = {run: at for run, at in self._told_at.items() if now - at < self._every_s}
        ready = [run for run in self._waiting if run not in self._told_at]
        self._told_at |= dict.fromkeys(ready, now)
        return [self._waiting.pop(run) for run in ready]

    @property
    def waits(self) -> bool:
        return bool(self._waiting)


async def change_events(
    source: Source, reader: Follower, last_event_id: str | None, tempo: Tempo
) -> AsyncGenerator[bytes, None]:
    """The stream. Ends when the reader may not read any more, the bus is lost, or the process is to stop.

    Raises TooManyRequestsError, UnavailableError: before the first piece.
    """
    feed = source.feed
    with source.streams.place_for(reader.user_id):
        async with (
            feed.follow(reader.organization_id, last_event_id) as watch,
            aclosing(_told(source, reader, watch, tempo)) as pieces,
        ):
            async for piece in pieces:
                yield piece


async def _told(source: Source, reader: Follower, watch: Watch, tempo: Tempo) -> AsyncGenerator[bytes, None]:
    for piece in _beginning(watch):
        yield piece
    paced, checked = _Paced(tempo.progress_s), time.monotonic()
    ends = checked + tempo.longest_s
    while not source.stopping.is_set() and time.monotonic() < ends:
        patience = tempo.progress_s if paced.waits else tempo.keep_alive_s
        await watch.wait(source.stopping, min(patience, tempo.recheck_s, tempo.longest_s))
        if watch.gone:
            return
        if time.monotonic() - checked >= tempo.recheck_s:
            if not await _may_read(source.database, reader):
                return
            checked = time.monotonic()
        pieces = [*_changes(watch), *_progress(watch, paced)]
        yield b"".join(pieces) or STILL_HERE


def _beginning(watch: Watch) -> Iterator[bytes]:
    at = watch.event_id(watch.start.sequence)
    yield event("ready", Ready(resumed=watch.start.resumed).model_dump_json(), at)
    if watch.start.lost:
        yield event("reset", Reset(reason="too_old").model_dump_json(), at)


def _changes(watch: Watch) -> Iterator[bytes]:
    lost_up_to, changes = watch.take_changes()
    if lost_up_to is not None:
        yield event("reset", Reset(reason="slow").model_dump_json(), watch.event_id(lost_up_to))
    for sequence, change in changes:
        yield event("changed", change.model_dump_json(), watch.event_id(sequence))


def _progress(watch: Watch, paced: _Paced) -> Iterator[bytes]:
    paced.add(watch.take_progress())
    for progress in paced.due():
        yield event("progress", progress.model_dump_json())


async def _may_read(database: Database, reader: Follower) -> bool:
    if not await reader.signed_in():
        return False
    async with database.transaction(reader.organization_id, user_id=reader.user_id) as session:
        return await reader.may_read(session)
