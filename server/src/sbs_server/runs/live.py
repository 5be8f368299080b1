"""The live view of a run: what the bus says about it, for server-sent events.

Lost messages do not matter here: progress is replaced by the next one, and the state is read from the database.
What a client has not taken yet is therefore kept as one progress and one mark "changed", however slow it is.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from valkey.asyncio import Valkey

from sbs_server.messaging.connection import Link
from sbs_server.messaging.listening import News, listening, or_unavailable

log = structlog.get_logger()


class Watch(News):
    """What has come in since it was last asked."""

    def __init__(self, run_id: UUID, client: Client) -> None:
        super().__init__(client)
        self._run = run_id.hex
        self._changed = False
        self._progress: str | None = None

    def take(self) -> tuple[bool, str | None]:
        """Whether the run has changed, and the last progress (JSON on one line)."""
        taken = self._changed, self._progress
        self._changed, self._progress = False, None
        self._news.clear()
        return taken

    async def on_progress(self, message: Msg) -> None:
        progress = one_line(message.data)
        if progress is not None:
            self._progress = progress
            self._news.set()

    async def on_change(self, message: Msg) -> None:
        """Events are those of all runs of the organization."""
        if run_of_event(message.data) == self._run:
            self._changed = True
            self._news.set()


class LiveSource:
    """Built by the entry point. `link` is the role's connection to NATS, account `control`."""

    def __init__(self, link: Link, valkey: Valkey) -> None:
        self.link = link
        self._valkey = valkey

    @asynccontextmanager
    async def watch(self, organization_id: UUID, run_id: UUID) -> AsyncIterator[Watch]:
        """Listens until the block ends; it listens for certain before the block begins.

        Raises UnavailableError when the bus can't be reached.
        """
        async with listening(self.link) as own:
            watch = Watch(run_id, own.client)
            with or_unavailable():
                await own.subscribe(f"live.{organization_id.hex}.{run_id.hex}", watch.on_progress)
                await own.subscribe(f"event.{organization_id.hex}.run.changed.v1", watch.on_change)
                await own.client.flush()
            yield watch

    async def last_progress(self, run_id: UUID) -> str | None:
        """The last progress that the bus has kept (JSON on one line)."""
        kept = await self._valkey.get(f"run:{run_id.hex}:progress")
        return None if kept is None else one_line(kept)


def one_line(data: bytes | str) -> str | None:
    """A JSON object as one line, as server-sent events need it; None: it is none."""
    try:
        document = json.loads(data)
    except ValueError:
        log.warning("live progress is not JSON")
        return None
    return json.dumps(document, ensure_ascii=False) if isinstance(document, dict) else None


def run_of_event(data: bytes) -> str | None:
    """The run (hex) that a CloudEvent is about."""
    try:
        found = json.loads(data)["data"]["run_id"]
    except (ValueError, KeyError, TypeError):
        log.warning("a run's event can't be read")
        return None
    return found if isinstance(found, str) else None
