"""Cutting the connections of agents that may not be connected any more.

Three nets, each below the other: the relay's `agent_kick` at once; a sweep that compares what the NATS servers
say with the table (it closes the race with a callout that was under way); the JWT's expiry after a day.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeoutError
from sqlalchemy.exc import SQLAlchemyError

from sbs_protocol.identifiers import parse_hex_id
from sbs_server.messaging.connection import Link
from sbs_server.messaging.live_connections import Connection, LiveConnections
from sbs_server.messaging.permissions import ACCOUNT
from sbs_server.messaging.registry import AgentRegistry

log = structlog.get_logger()

SWEEP_S = 30.0
_PAGE = 1024
_ANSWER_S = 2.0
_NEXT_SERVER_S = 0.3


@dataclass(frozen=True, slots=True)
class _Found:
    agent_id: UUID
    certificate_sha256: str
    connection: Connection


class Revocation:
    """`system` is the link of NATS's system account."""

    def __init__(
        self, system: Link, registry: AgentRegistry, live: LiveConnections, *, sweep_s: float = SWEEP_S
    ) -> None:
        self._system = system
        self._registry = registry
        self._live = live
        self._sweep_s = sweep_s

    async def kick(self, agent_id: UUID) -> None:
        """Cuts every connection of the agent. Errors: NotConnectedError, nats.errors.Error."""
        client = self._system.client
        connections = set(self._live.of(agent_id))
        # What other processes have let in is known to the servers only.
        connections |= {found.connection for found in await _connections(client, user=agent_id.hex)}
        for connection in connections:
            await _cut(client, connection)
        log.info("agent_kicked", agent=agent_id.hex, connections=len(connections))

    async def watch(self, client: Client) -> None:
        """Sweeps for as long as the connection lasts."""
        while True:
            try:
                await self.sweep(client)
            except (SQLAlchemyError, OSError) as error:
                log.warning("revocation_sweep_failed", reason=type(error).__name__)
            await asyncio.sleep(self._sweep_s)

    async def sweep(self, client: Client) -> int:
        """Compares all connections with the table; cuts and counts those that may not be."""
        asked_at = self._live.now()
        found = await _connections(client)
        self._live.replace(((one.agent_id, one.connection) for one in found), asked_at)
        if not found:
            return 0
        agent_ids = {one.agent_id for one in found}
        active = await self._registry.active(agent_ids)
        revoked = await self._registry.revoked_certificates(agent_ids)
        unwanted = [one for one in found if one.agent_id not in active or one.certificate_sha256 in revoked]
        for one in unwanted:
            log.warning("agent_cut", agent=one.agent_id.hex, client=one.connection.client_id)
            await _cut(client, one.connection)
        return len(unwanted)


async def _cut(client: Client, connection: Connection) -> None:
    subject = f"$SYS.REQ.SERVER.{connection.server_id}.KICK"
    try:
        await client.request(subject, json.dumps({"cid": connection.client_id}).encode(), timeout=_ANSWER_S)
    except NatsTimeoutError:
        # A server that is gone has cut its connections itself.
        log.info("kick_unanswered", server=connection.server_id)


async def _connections(client: Client, *, user: str | None = None) -> list[_Found]:
    """The agents' connections on every server of the cluster, page by page."""
    found: list[_Found] = []
    offset = 0
    while True:
        query: dict[str, Any] = {"auth": True, "acc": ACCOUNT, "limit": _PAGE, "offset": offset}
        if user is not None:
            query["user"] = user
        answers = [json.loads(answer.data) for answer in await _ask_all(client, query)]
        for answer in answers:
            found += _read(answer)
        offset += _PAGE
        if all(offset >= int(answer.get("data", {}).get("total", 0)) for answer in answers):
            return found


async def _ask_all(client: Client, query: dict[str, Any]) -> list[Msg]:
    """One answer from each server; how many there are nobody knows, so a short silence ends the wait."""
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    try:
        await client.publish("$SYS.REQ.SERVER.PING.CONNZ", json.dumps(query).encode(), reply=inbox)
        answers = [await subscription.next_msg(timeout=_ANSWER_S)]
        while True:
            try:
                answers.append(await subscription.next_msg(timeout=_NEXT_SERVER_S))
            except NatsTimeoutError:
                return answers
    finally:
        await subscription.unsubscribe()


def _read(answer: dict[str, Any]) -> Iterator[_Found]:
    server_id = str(answer.get("server", {}).get("id", ""))
    for row in answer.get("data", {}).get("connections") or []:
        try:
            agent_id = parse_hex_id(str(row.get("authorized_user", "")))
        except ValueError:
            continue  # one of our own services
        certificates = row.get("tls_peer_certs") or [{}]
        fingerprint = str(certificates[0].get("cert_sha256", ""))
        yield _Found(agent_id, fingerprint, Connection(server_id, int(row["cid"])))
