"""What the bus says of an organization, for one reader: domain events from where the reader left off, and progress.

Domain events come from the stream EVENTS by a consumer of the reader's own, in order and without gaps; where one is
missing all the same the reader is let go, and comes back with the id of the last event it had. What a reader has not
taken yet is kept as the last change of each object and the last progress of each run, within bounds.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamInfo

from sbs_server.changes.reading import as_progress, change_of
from sbs_server.changes.schemas import Change, ChangedKind, RunProgress
from sbs_server.messaging.connection import Link
from sbs_server.messaging.listening import Listening, News, listening, or_unavailable
from sbs_server.messaging.streams import DOMAIN_STREAM

MOST_CHANGES = 1000
MOST_RUNS = 1000
# Reading again what is on the page costs less than going through more changes than this.
_LONGEST_GAP = 10_000
_HEARTBEAT_S = 10.0
_SILENCE_S = 3 * _HEARTBEAT_S
_FORGOTTEN_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Start:
    """Where a reader begins. `lost`: what came after the id it gave is not to be had any more."""

    sequence: int
    resumed: bool
    lost: bool


class Watch(News):
    """What has come in since it was last asked."""

    def __init__(self, client: Client, epoch: str, start: Start) -> None:
        super().__init__(client)
        self.start = start
        self._epoch = epoch
        self._changes: dict[tuple[ChangedKind, UUID], tuple[int, Change]] = {}
        self._progress: dict[UUID, RunProgress] = {}
        self._overflowed = False
        self._delivered = 0
        self._broken = False
        self._heard_at = time.monotonic()
        self._sequence = start.sequence

    @property
    def gone(self) -> bool:
        """Whether nothing (or not everything) will come any more: the reader has to begin anew."""
        return super().gone or self._broken or time.monotonic() - self._heard_at > _SILENCE_S

    def event_id(self, sequence: int) -> str:
        """What a reader gives back as Last-Event-ID."""
        return f"{self._epoch}-{sequence}"

    def take_changes(self) -> tuple[int | None, list[tuple[int, Change]]]:
        """Changes with their sequence, in order; or, when there were too many, the sequence of the last one."""
        self._news.clear()
        changes, self._changes = sorted(self._changes.values(), key=lambda one: one[0]), {}
        overflowed, self._overflowed = self._overflowed, False
        return (self._sequence, []) if overflowed else (None, changes)

    def take_progress(self) -> dict[UUID, RunProgress]:
        progress, self._progress = self._progress, {}
        return progress

    async def on_event(self, message: Msg) -> None:
        """A domain event, or the server's sign of life in between."""
        self._heard_at = time.monotonic()
        if not message.data:
            return
        place = message.metadata.sequence
        self._delivered += 1
        if place.consumer != self._delivered:
            self._broken = True
        else:
            self._sequence = place.stream
            self._note(place.stream, change_of(message.data))
        self._news.set()

    def _note(self, sequence: int, change: Change | None) -> None:
        if change is None:
            return
        self._changes[change.kind, change.id] = (sequence, change)
        if len(self._changes) > MOST_CHANGES:
            self._changes.clear()
            self._overflowed = True

    async def on_progress(self, message: Msg) -> None:
        progress = as_progress(message.data)
        # Of very many runs some are left out: their next progress comes soon.
        if progress is not None and (progress.run_id in self._progress or len(self._progress) < MOST_RUNS):
            self._progress[progress.run_id] = progress
            self._news.set()


class ChangeFeed:
    """Built by the entry point. `link` is the role's connection to NATS, account `control`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    @asynccontextmanager
    async def follow(self, organization_id: UUID, last_event_id: str | None) -> AsyncIterator[Watch]:
        """Listens until the block ends; it listens for certain before the block begins.

        Raises UnavailableError when the bus can't be reached.
        """
        async with listening(self._link) as own:
            with or_unavailable():
                watch = await _begin(own, organization_id, last_event_id)
            yield watch


async def _begin(own: Listening, organization_id: UUID, last_event_id: str | None) -> Watch:
    """The server forgets the consumer by itself when nobody listens."""
    client, owner = own.client, organization_id.hex
    jetstream = client.jetstream()
    info = await jetstream.stream_info(DOMAIN_STREAM)
    epoch = _epoch(info)
    watch = Watch(client, epoch, where_to_begin(last_event_id, epoch, info))
    inbox = client.new_inbox()
    await own.subscribe(inbox, watch.on_event)
    await own.subscribe(f"live.{owner}.*", watch.on_progress)
    await jetstream.add_consumer(
        DOMAIN_STREAM,
        ConsumerConfig(
            deliver_subject=inbox,
            filter_subject=f"event.{owner}.>",
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=watch.start.sequence + 1,
            ack_policy=AckPolicy.NONE,
            idle_heartbeat=_HEARTBEAT_S,
            mem_storage=True,
            inactive_threshold=_FORGOTTEN_AFTER_S,
        ),
    )
    await client.flush()
    return watch


def _epoch(info: StreamInfo) -> str:
    """Names this stream: one that was made anew counts from one again."""
    return "0" if info.created is None else f"{int(info.created.timestamp() * 1000):x}"


def where_to_begin(last_event_id: str | None, epoch: str, info: StreamInfo) -> Start:
    """After the event of that id, if all that came since is still there and not too much; else from now on."""
    newest, oldest = info.state.last_seq, info.state.first_seq
    if last_event_id is None:
        return Start(newest, resumed=False, lost=False)
    of_epoch, _, number = last_event_id.partition("-")
    if of_epoch == epoch and number.isdecimal() and len(number) < 20:
        last = int(number)
        if oldest <= last + 1 and last <= newest and newest - last <= _LONGEST_GAP:
            return Start(last, resumed=True, lost=False)
    return Start(newest, resumed=False, lost=True)
