"""Who is let in to NATS, and what an agent may do there."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from nats.errors import Error as NatsError
from nats.js.errors import APIError
from sqlalchemy import update

from sbs_protocol.identifiers import command_consumer, command_subject
from sbs_server.config import Settings
from sbs_server.kit.db.session import Database
from sbs_server.kit.nkeys import NkeyPair
from sbs_server.kit.pki import CertificateAuthority, load_certificates
from sbs_server.kit.pki.authority import create_issuing, create_root
from sbs_server.messaging import streams
from sbs_server.messaging.callout import Callout
from sbs_server.messaging.connection import Link
from sbs_server.messaging.live_connections import LiveConnections
from sbs_server.messaging.registry import AgentRegistry
from sbs_server.messaging.revocation import Revocation
from sbs_server.models import Agent, AgentCertificate, AgentState
from sbs_server.testing.bus import Databases, Enrol, EnrolledAgent, certificate, connect_agent, eventually

REFUSED = (NatsError, ssl.SSLError, OSError)


@contextlib.asynccontextmanager
async def gate(settings: Settings, system: Database) -> AsyncIterator[tuple[Link, Revocation]]:
    """The callout at work; gives the control link and the revocation."""
    registry, live = AgentRegistry(system), LiveConnections()
    control = Link(settings.nats, "control", prepare=[streams.prepare])

    async def prepare(agent_id: object) -> None:
        await streams.ensure_agent_consumer(control.client.jetstream(), agent_id)  # type: ignore[arg-type]  # a UUID

    callout = Callout(
        NkeyPair.from_seed(settings.nats.seed("issuer")),
        load_certificates(settings.pki.agent_ca_certificate),
        registry,
        live,
        prepare,
    )
    door = Link(settings.nats, "callout", work=[callout.serve])
    sys = Link(settings.nats, "sys")
    tasks = [asyncio.create_task(link.run()) for link in (control, door, sys)]
    try:
        async with asyncio.timeout(20):
            for link in (control, door, sys):
                await link.wait_connected()
        yield control, Revocation(sys, registry, live)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def door(bus_settings: Settings, databases: Databases) -> AsyncIterator[tuple[Link, Revocation]]:
    async with gate(bus_settings, databases.system) as parts:
        yield parts


async def test_an_agent_uses_its_own_subjects(
    bus_settings: Settings, enrol: Enrol, door: tuple[Link, Revocation]
) -> None:
    agent = await enrol()
    control = door[0].client.jetstream()
    async with connect_agent(bus_settings, agent) as connection:
        jetstream = connection.client.jetstream()
        ack = await jetstream.publish(
            f"evt.{agent.id.hex}.hello", b"{}", headers={"Nats-Msg-Id": agent.id.hex}
        )
        assert ack.stream == "EVT"
        await control.publish(command_subject(agent.id), b"work")
        subscription = await jetstream.pull_subscribe_bind(durable=command_consumer(agent.id), stream="CMD")
        messages = await subscription.fetch(1, timeout=5)
        assert [message.data for message in messages] == [b"work"]
        await messages[0].ack_sync(timeout=5)
        await subscription.consumer_info()
        for subject in (f"prg.{agent.id.hex}", f"hb.{agent.id.hex}"):
            await connection.client.publish(subject, b"{}")
        assert await connection.errors() == []


async def test_an_agent_may_not_touch_what_is_not_its_own(
    bus_settings: Settings, enrol: Enrol, door: tuple[Link, Revocation]
) -> None:
    agent, other = await enrol(), await enrol()
    await streams.ensure_agent_consumer(door[0].client.jetstream(), other.id)
    async with connect_agent(bus_settings, agent) as connection:
        for subject in _FOREIGN_PUBLISH:
            foreign = subject.format(other=other.id.hex)
            await connection.client.publish(foreign, b"{}")
            assert f'permissions violation for publish to "{foreign.lower()}"' in await connection.refusal()
        for subject in _FOREIGN_SUBSCRIBE:
            foreign = subject.format(other=other.id.hex)
            await connection.client.subscribe(foreign)
            assert (
                f'permissions violation for subscription to "{foreign.lower()}"' in await connection.refusal()
            )
        # The positive control: after all this the connection still does what it may.
        await connection.client.publish(f"hb.{agent.id.hex}", b"{}")
        assert await connection.errors() == []


_FOREIGN_PUBLISH = [
    "evt.{other}.hello",
    "prg.{other}",
    "hb.{other}",
    "cmd.{other}",
    "event.x",
    "$JS.API.CONSUMER.MSG.NEXT.CMD.a_{other}",
    "$JS.API.CONSUMER.INFO.CMD.a_{other}",
    "$JS.API.CONSUMER.DELETE.CMD.a_{other}",
    "$JS.API.CONSUMER.CREATE.CMD.a_{other}",
    "$JS.API.STREAM.INFO.CMD",
    "$JS.API.STREAM.MSG.GET.CMD",
    "$JS.API.STREAM.PURGE.CMD",
    "$JS.API.CONSUMER.MSG.NEXT.EVT.bus",
    "$JS.ACK.CMD.a_{other}.1.1.1.1.1",
    "$SYS.REQ.SERVER.PING",
    "_INBOX_{other}.x",
]
_FOREIGN_SUBSCRIBE = [
    ">",
    "_INBOX.>",
    "_INBOX_{other}.>",
    "cmd.{other}",
    "evt.>",
    "hb.*",
    "live.>",
    "event.>",
]


async def test_stream_info_is_answered_to_the_control_plane_and_refused_to_an_agent(
    bus_settings: Settings, enrol: Enrol, door: tuple[Link, Revocation]
) -> None:
    assert (await door[0].client.jetstream().stream_info("CMD")).config.name == "CMD"
    async with connect_agent(bus_settings, await enrol()) as connection:
        with pytest.raises((APIError, NatsError)):
            await connection.client.jetstream(timeout=1).stream_info("CMD")
        assert "permissions violation" in await connection.refusal()


async def _revoke_agent(databases: Databases, agent: EnrolledAgent) -> None:
    async with databases.app.transaction(agent.organization_id) as session:
        await session.execute(update(Agent).where(Agent.id == agent.id).values(state=AgentState.REVOKED))


async def _revoke_certificate(databases: Databases, agent: EnrolledAgent) -> None:
    async with databases.app.transaction(agent.organization_id) as session:
        await session.execute(
            update(AgentCertificate)
            .where(AgentCertificate.serial == agent.serial)
            .values(revoked_at=datetime.now(UTC))
        )


async def _assert_let_in(settings: Settings, agent: EnrolledAgent) -> None:
    async with connect_agent(settings, agent) as connection:
        assert connection.client.is_connected


async def _assert_refused(settings: Settings, agent: EnrolledAgent) -> None:
    with pytest.raises(REFUSED):
        async with connect_agent(settings, agent):
            pass


@pytest.mark.usefixtures("door")
class TestRefused:
    async def test_a_revoked_agent(self, bus_settings: Settings, databases: Databases, enrol: Enrol) -> None:
        agent = await enrol()
        await _assert_let_in(bus_settings, agent)
        await _revoke_agent(databases, agent)
        await _assert_refused(bus_settings, agent)

    async def test_a_revoked_certificate(
        self, bus_settings: Settings, databases: Databases, enrol: Enrol
    ) -> None:
        agent = await enrol()
        await _assert_let_in(bus_settings, agent)
        await _revoke_certificate(databases, agent)
        await _assert_refused(bus_settings, agent)

    async def test_an_agent_nobody_knows(self, bus_settings: Settings, enrol: Enrol) -> None:
        await _assert_refused(bus_settings, await enrol(known=False))

    async def test_an_expired_certificate(self, bus_settings: Settings, enrol: Enrol) -> None:
        before = datetime.now(UTC) - timedelta(days=3)
        await _assert_refused(bus_settings, await enrol(now=before, lifetime=timedelta(days=1)))

    async def test_a_certificate_of_another_installation(self, bus_settings: Settings, enrol: Enrol) -> None:
        now = datetime.now(UTC)
        foreign = create_issuing("SBS agent CA", create_root(now), now)
        await _assert_refused(bus_settings, await enrol(ca=foreign))

    async def test_a_service_certificate_without_the_nkey(self, bus_settings: Settings, enrol: Enrol) -> None:
        agent = await enrol()
        nats = bus_settings.nats
        agent.pem.write_bytes(nats.key_file.read_bytes() + nats.cert_file.read_bytes())
        await _assert_refused(bus_settings, agent)


async def test_a_name_with_another_organization_is_refused(
    bus_settings: Settings, enrol: Enrol, agent_ca: CertificateAuthority, door: tuple[Link, Revocation]
) -> None:
    agent, other = await enrol(), await enrol()
    await _assert_let_in(bus_settings, agent)
    certificate(agent_ca, other.organization_id, agent.id, agent.pem)
    await _assert_refused(bus_settings, agent)


async def test_nobody_is_let_in_while_the_database_is_down(bus_settings: Settings, enrol: Enrol) -> None:
    agent = await enrol()
    nowhere = bus_settings.database.model_copy(update={"port": 1})
    database = Database(nowhere.url("sbs_system"))
    async with gate(bus_settings, database):
        await _assert_refused(bus_settings, agent)
    await database.close()


async def test_a_kick_cuts_the_connection_and_the_next_one_is_refused(
    bus_settings: Settings, databases: Databases, enrol: Enrol, door: tuple[Link, Revocation]
) -> None:
    agent, bystander = await enrol(), await enrol()
    async with (
        connect_agent(bus_settings, bystander) as other,
        connect_agent(bus_settings, agent) as connection,
    ):
        await _revoke_agent(databases, agent)
        await door[1].kick(agent.id)
        await asyncio.wait_for(connection.closed.wait(), 5)
        assert other.client.is_connected
        await other.client.flush(5)
    await _assert_refused(bus_settings, agent)


async def test_the_sweep_cuts_what_nobody_kicked(
    bus_settings: Settings, databases: Databases, enrol: Enrol, door: tuple[Link, Revocation]
) -> None:
    agent, bystander = await enrol(), await enrol()
    _, revocation = door
    async with (
        connect_agent(bus_settings, bystander) as other,
        connect_agent(bus_settings, agent) as connection,
    ):
        assert await revocation.sweep(revocation._system.client) == 0
        await _revoke_certificate(databases, agent)
        assert await revocation.sweep(revocation._system.client) == 1
        await asyncio.wait_for(connection.closed.wait(), 5)
        await other.client.flush(5)


async def test_the_consumer_is_there_before_the_agent_is(
    bus_settings: Settings, enrol: Enrol, door: tuple[Link, Revocation]
) -> None:
    agent = await enrol()
    jetstream = door[0].client.jetstream()
    async with connect_agent(bus_settings, agent):
        info = await jetstream.consumer_info("CMD", command_consumer(agent.id))
        assert info.config.filter_subject == command_subject(agent.id)
        assert info.config.mem_storage


async def test_links_come_back_after_the_connection_was_cut(
    bus_settings: Settings, door: tuple[Link, Revocation]
) -> None:
    control = door[0]
    before = control.client
    await before.close()

    async def back() -> bool:
        return control.connected and control.client is not before

    await eventually(back, "the control link is connected again")
    assert json.loads((await control.client.request("$JS.API.INFO", b"", timeout=5)).data)["streams"] >= 4
