"""`sbs bus`: admits agents to NATS, takes in what they say, publishes the outbox."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import text
from temporalio.client import Client
from valkey.asyncio import Valkey

from sbs_server.agents.consumers import handle_event
from sbs_server.agents.live import LiveFeed
from sbs_server.agents.presence import Presence
from sbs_server.agents.pulse import Pulse
from sbs_server.config import Settings
from sbs_server.kit import cache, logging
from sbs_server.kit.db.listen import Wakeup
from sbs_server.kit.db.session import Database
from sbs_server.kit.health import Check, Health
from sbs_server.kit.nkeys import NkeyPair
from sbs_server.kit.pki import load_certificates
from sbs_server.kit.signals import until_stopped
from sbs_server.messaging import streams
from sbs_server.messaging.callout import Callout
from sbs_server.messaging.connection import Link
from sbs_server.messaging.effects import BusEffects
from sbs_server.messaging.events import EventConsumer
from sbs_server.messaging.followups import ActivityBridge, FollowUps
from sbs_server.messaging.live_connections import LiveConnections
from sbs_server.messaging.registry import AgentRegistry
from sbs_server.messaging.relay import Lane
from sbs_server.messaging.revocation import Revocation
from sbs_server.messaging.sweeper import Sweeper
from sbs_server.messaging.workflow_effects import WorkflowEffects
from sbs_server.runs.history import RunHistory
from sbs_server.schedules.service import Schedules

log = structlog.get_logger()

_OUTBOX_CHANNEL = "sbs_outbox"

Part = Callable[[], Coroutine[object, object, None]]
"""Something that runs until it is cancelled."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the bus talks to. Temporal and Valkey are connected when they are first used."""

    app: Database
    system: Database
    temporal: Client
    valkey: Valkey


@dataclass(frozen=True, slots=True)
class Links:
    """One connection for each NATS account that the bus speaks in."""

    control: Link
    callout: Link
    system: Link


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    settings = Settings.load(role="bus")
    logging.configure(settings.log_level, role="bus")
    asyncio.run(_serve(settings))
    # The Temporal SDK's native threads can crash while the interpreter ends (seen with 1.35 on Python 3.11);
    # everything is done and closed here.
    os._exit(0)


async def _serve(settings: Settings) -> None:
    outside = await connect(settings)
    try:
        links, parts = build(settings, outside)
        health = Health(settings.http.bind, settings.http.bus_health_port, _checks(outside, links))
        async with health.serving():
            await _until_stopped(parts)
    finally:
        await close(outside)


async def connect(settings: Settings) -> Outside:
    """Errors: ConfigurationError. Nothing has to be up yet."""
    temporal = settings.temporal
    return Outside(
        app=Database(settings.database.url("sbs_app"), pool_size=10, application_name="sbs bus"),
        system=Database(settings.database.url("sbs_system"), pool_size=10, application_name="sbs bus system"),
        temporal=await Client.connect(temporal.address, namespace=temporal.namespace, lazy=True),
        valkey=cache.connect(settings.valkey),
    )


async def close(outside: Outside) -> None:
    await outside.valkey.aclose()
    await outside.app.close()
    await outside.system.close()


def build(settings: Settings, outside: Outside) -> tuple[Links, list[Part]]:
    """Everything that has to run, and the links to ask whether it does."""
    links = Links(
        control=Link(settings.nats, "control", prepare=[streams.prepare]),
        callout=Link(settings.nats, "callout"),
        system=Link(settings.nats, "sys"),
    )
    registry, live = AgentRegistry(outside.system), LiveConnections()
    revocation = Revocation(links.system, registry, live)
    presence = Presence(outside.system, live)
    bridge = ActivityBridge(outside.temporal)
    pulse = Pulse(outside.system, outside.app, bridge)

    async def make_consumer(agent_id: UUID) -> None:
        await streams.ensure_agent_consumer(links.control.client.jetstream(), agent_id)

    issuer = NkeyPair.from_seed(settings.nats.seed("issuer"))
    agent_cas = load_certificates(settings.pki.agent_ca_certificate)
    links.callout.during(Callout(issuer, agent_cas, registry, live, make_consumer).serve)
    links.system.during(presence.listen)
    links.system.during(revocation.watch)
    links.control.during(LiveFeed(presence, pulse, outside.valkey).listen)
    follow_ups = FollowUps(bridge, make_consumer)
    links.control.during(EventConsumer(outside.app, registry, handle_event, follow_ups).consume)
    wakeup = Wakeup(settings.database.url("sbs_system"), _OUTBOX_CHANNEL)
    lanes = _lanes(settings, outside, links, revocation, wakeup)
    running = (links.control, links.callout, links.system, presence, pulse, wakeup, *lanes)
    sweeper = Sweeper(outside.system, settings.history)
    history = RunHistory(outside.system, outside.app, settings.history)
    return links, [*(part.run for part in running), sweeper.run, history.run]


def _lanes(
    settings: Settings, outside: Outside, links: Links, revocation: Revocation, wakeup: Wakeup
) -> tuple[Lane, Lane]:
    queue = settings.temporal.task_queue
    schedules = Schedules(outside.system, outside.temporal, queue)
    bus = BusEffects(links.control, outside.system, revocation)
    workflows = WorkflowEffects(outside.temporal, queue, schedules.sync)
    return (
        Lane(outside.system, bus.by_kind(), wakeup.alarm(), ready=links.control.wait_connected),
        Lane(outside.system, workflows.by_kind(), wakeup.alarm()),
    )


async def run_all(parts: list[Part]) -> None:
    """Until cancelled, or until one of them fails: that is a mistake of ours, and the process ends with it."""
    async with asyncio.TaskGroup() as tasks:
        for part in parts:
            tasks.create_task(part())


async def _until_stopped(parts: list[Part]) -> None:
    working = asyncio.create_task(run_all(parts))
    stopped = asyncio.create_task(until_stopped())
    done, _ = await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    working.cancel()
    await asyncio.gather(working, stopped, return_exceptions=True)
    if working in done:
        working.result()
    log.info("stopped")


def _checks(outside: Outside, links: Links) -> dict[str, Check]:
    async def database() -> None:
        async with outside.system.transaction() as session:
            await session.execute(text("SELECT 1"))

    async def nats() -> None:
        for link in (links.control, links.callout, links.system):
            await link.client.flush(1)

    return {"postgresql": database, "nats": nats}
