"""Progress and heartbeats: what agents say on core NATS, where a lost message does not matter.

Both prove that a command is alive: its row's `last_heard_at` and its waiting activity are told so, not more often
than needed. Progress goes on to who is looking, by NATS, and its last state is kept in Valkey.
"""

import asyncio
import json
from typing import TypeVar
from uuid import UUID

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from sbs_protocol.events import Heartbeat, Progress
from sbs_protocol.identifiers import parse_hex_id
from sbs_protocol.model import WireModel
from sbs_server.agents.presence import Presence
from sbs_server.agents.pulse import OpenCommand, Pulse

log = structlog.get_logger()

_QUEUE = "bus"
_MOST_ACTIVE = 1000  # as many as may wait for an agent in its stream
_PROGRESS_TTL_S = 3600
# An agent sends at most two a second for a command; whoever sends more is not listened to.
_LEAST_INTERVAL_S = 0.2
_COMPLAIN_EVERY_S = 60.0

Wire = TypeVar("Wire", bound=WireModel)


class LiveFeed:
    def __init__(self, presence: Presence, pulse: Pulse, valkey: Valkey) -> None:
        self._presence = presence
        self._pulse = pulse
        self._valkey = valkey
        self._last: dict[str, float] = {}
        self._complained_at = float("-inf")

    async def listen(self, client: Client) -> None:
        """For as long as the connection lasts. One of several processes gets each message."""

        async def on_progress(message: Msg) -> None:
            await self._progress(client, message)

        await client.subscribe("hb.*", queue=_QUEUE, cb=self._heartbeat)
        await client.subscribe("prg.*", queue=_QUEUE, cb=on_progress)
        await client.flush()
        await asyncio.Event().wait()

    async def _heartbeat(self, message: Msg) -> None:
        agent_id, heartbeat = _agent(message), _parse(Heartbeat, message)
        if agent_id is None or heartbeat is None:
            return
        self._presence.seen(agent_id)
        for command_id in heartbeat.active_commands[:_MOST_ACTIVE]:
            self._pulse.heard(agent_id, command_id)

    async def _progress(self, client: Client, message: Msg) -> None:
        agent_id, progress = _agent(message), _parse(Progress, message)
        if agent_id is None or progress is None or self._too_soon(progress):
            return
        try:
            command = await self._pulse.open_command(agent_id, progress.command_id)
            if command is None or command.attempt != progress.attempt:
                return
            if progress.phase != "starting":
                await self._pulse.begun(command)
        except (SQLAlchemyError, OSError):
            return  # the pulse complains
        self._pulse.heard(agent_id, progress.command_id)
        await self._show(client, command, progress)

    async def _show(self, client: Client, command: OpenCommand, progress: Progress) -> None:
        run = command.run_id.hex
        body = json.dumps({**progress.model_dump(mode="json"), "run_id": run}).encode()
        try:
            await client.publish(f"live.{command.organization_id.hex}.{run}", body)
            await self._valkey.set(f"run:{run}:progress", body, ex=_PROGRESS_TTL_S)
        except (NatsError, ValkeyError, OSError, TimeoutError) as error:
            now = asyncio.get_running_loop().time()
            if now - self._complained_at > _COMPLAIN_EVERY_S:
                self._complained_at = now
                log.warning("progress_not_shown", reason=type(error).__name__)

    def _too_soon(self, progress: Progress) -> bool:
        now = asyncio.get_running_loop().time()
        if len(self._last) > 10_000:
            self._last = {key: at for key, at in self._last.items() if now - at < _LEAST_INTERVAL_S}
        if now - self._last.get(progress.command_id, 0.0) < _LEAST_INTERVAL_S:
            return True
        self._last[progress.command_id] = now
        return False


def _agent(message: Msg) -> UUID | None:
    """Whose message it is: NATS lets nobody else publish on that subject."""
    try:
        return parse_hex_id(message.subject.partition(".")[2])
    except ValueError:
        return None


def _parse(kind: type[Wire], message: Msg) -> Wire | None:
    try:
        return kind.model_validate_json(message.data)
    except ValidationError:
        log.info("live_message_unreadable", subject=message.subject)
        return None
