"""Whether agents are connected, from what NATS says of their connections and from their heartbeats.

Rows are written in batches: changes at once, `last_seen_at` at most every 20 s for each agent. An outbox event
leaves only when `connected` changes, in the transaction that changes it. Works as `sbs_system`.
"""

import asyncio
import json
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_protocol.identifiers import parse_hex_id
from sbs_server.kit.db.session import Database
from sbs_server.messaging import outbox
from sbs_server.messaging.live_connections import Connection, LiveConnections
from sbs_server.messaging.permissions import ACCOUNT
from sbs_server.models import Agent, AgentState

log = structlog.get_logger()

FLUSH_S = 0.5
_SEEN_EVERY_S = 20.0
_SWEEP_EVERY_S = 15.0
_LATE_HEARTBEAT_S = 2.0
# Six heartbeats, and the 20 s for which one may stay unwritten.
STALE = timedelta(seconds=80)
_BATCH = 1000


class Presence:
    """Fed by `listen` (connections) and `seen` (heartbeats); `run` writes."""

    def __init__(self, system: Database, live: LiveConnections, *, stale: timedelta = STALE) -> None:
        self._system = system
        self._live = live
        self._stale = stale
        self._pending: dict[UUID, bool] = {}
        self._written: dict[UUID, float] = {}
        self._listening_since: float | None = None

    async def listen(self, client: Client) -> None:
        """For as long as the connection (of the system account) lasts."""
        await client.subscribe(f"$SYS.ACCOUNT.{ACCOUNT}.CONNECT", cb=self._on_connect)
        await client.subscribe(f"$SYS.ACCOUNT.{ACCOUNT}.DISCONNECT", cb=self._on_disconnect)
        await client.flush()
        self._listening_since = asyncio.get_running_loop().time()
        try:
            await asyncio.Event().wait()
        finally:
            self._listening_since = None

    def seen(self, agent_id: UUID) -> None:
        """The agent has said something: it is connected, and here."""
        last = self._written.get(agent_id)
        if last is None or asyncio.get_running_loop().time() - last > _SEEN_EVERY_S:
            self._pending[agent_id] = True

    async def run(self) -> None:
        """Writes until cancelled. While the database is down it remembers."""
        now = asyncio.get_running_loop().time
        swept_at = now()
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self.flush()
                if now() - swept_at > _SWEEP_EVERY_S and self._heard_long_enough():
                    await self.sweep()
                    swept_at = now()
            except (SQLAlchemyError, OSError) as error:
                log.warning("presence_database", reason=type(error).__name__)

    async def flush(self) -> None:
        """Writes what has changed since the last time."""
        pending, self._pending = self._pending, {}
        try:
            for connected in (True, False):
                ids = sorted(agent_id for agent_id, state in pending.items() if state is connected)
                for start in range(0, len(ids), _BATCH):
                    await self._write(ids[start : start + _BATCH], connected=connected)
        except BaseException:
            self._pending = pending | self._pending
            raise

    async def sweep(self) -> None:
        """Agents that were not heard of for too long are not connected, whatever their rows say."""
        old = Agent.last_seen_at < func.now() - self._stale
        async with self._system.transaction() as session:
            await _change(session, Agent.connected & old, connected=False)

    def _heard_long_enough(self) -> bool:
        """After a start, all heartbeats must have had the time to come."""
        since = self._listening_since
        return since is not None and asyncio.get_running_loop().time() - since > self._stale.total_seconds()

    async def _write(self, agent_ids: Collection[UUID], *, connected: bool) -> None:
        async with self._system.transaction() as session:
            if connected:
                await session.execute(
                    update(Agent)
                    .where(Agent.id.in_(_locked(Agent.id.in_(agent_ids))))
                    .values(last_seen_at=func.now())
                )
                fresh = Agent.id.in_(agent_ids) & ~Agent.connected & (Agent.state == AgentState.ACTIVE)
                await _change(session, fresh, connected=True)
            else:
                await _change(session, Agent.id.in_(agent_ids) & Agent.connected, connected=False)
        if connected:
            self._written |= dict.fromkeys(agent_ids, asyncio.get_running_loop().time())

    async def _on_connect(self, message: Msg) -> None:
        found = _read(message)
        if found is not None:
            self._live.add(*found)
            self._written.pop(found[0], None)
            self._pending[found[0]] = True

    async def _on_disconnect(self, message: Msg) -> None:
        found = _read(message)
        # A reconnect is often heard before the end of the connection that it replaces.
        if found is not None and self._live.remove(*found):
            self._pending[found[0]] = False
            # A heartbeat sent just before may be heard just after: it came on another connection.
            soon = asyncio.get_running_loop().time() - _SEEN_EVERY_S + _LATE_HEARTBEAT_S
            self._written[found[0]] = soon


def _locked(condition: ColumnElement[bool]) -> Select[UUID]:
    """Locks in one order, so that two processes that write overlapping batches do not wait for each other."""
    return select(Agent.id).where(condition).order_by(Agent.id).with_for_update()


async def _change(session: AsyncSession, condition: ColumnElement[bool], *, connected: bool) -> None:
    changed = await session.execute(
        update(Agent)
        .where(Agent.id.in_(_locked(condition)))
        .values(connected=connected)
        .returning(Agent.id, Agent.organization_id)
    )
    kind = "agent.connected.v1" if connected else "agent.disconnected.v1"
    for agent_id, organization_id in changed.all():
        log.info(kind, agent=agent_id.hex)
        data = {"agent_id": agent_id.hex}
        await outbox.event(session, organization_id, f"agent:{agent_id.hex}", kind, data)


def _read(message: Msg) -> tuple[UUID, Connection] | None:
    """Agent and connection of a server's event; None: one of our own services."""
    event = json.loads(message.data)
    client = event.get("client") or {}
    try:
        agent_id = parse_hex_id(str(client.get("user", "")))
    except ValueError:
        return None
    server_id = str((event.get("server") or {}).get("id", ""))
    return agent_id, Connection(server_id, int(client.get("id", 0)))
