"""Fixtures for tests of the bus: a migrated database of their own, agents with certificates, their connections.

A conftest.py imports them by name; they need the plugin `sbs_server.testing.services`.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from nats.aio.client import Client
from nats.js import JetStreamContext

from sbs_protocol.identifiers import inbox_prefix
from sbs_server.config import Settings
from sbs_server.kit.db.session import Database
from sbs_server.kit.ids import new_id
from sbs_server.kit.pki import CertificateAuthority, issue_agent_certificate, load_ca
from sbs_server.kit.pki.authority import key_to_pem
from sbs_server.models import Agent, AgentCertificate, Organization
from sbs_server.roles.bus import Links, Outside, build, close, connect, run_all
from sbs_server.testing.services import PlatformServices
from sbs_server.testing.superuser import own_database, upgrade

_PEM = serialization.Encoding.PEM


@dataclass(frozen=True, slots=True)
class Databases:
    app: Database
    system: Database


@dataclass(frozen=True, slots=True)
class EnrolledAgent:
    """An agent with its rows and its certificate on disk."""

    organization_id: UUID
    id: UUID
    serial: str
    pem: Path


@pytest.fixture(scope="session")
async def bus_settings(platform_services: PlatformServices) -> AsyncIterator[Settings]:
    """The settings of the role `bus`, with a database that is this fixture's alone, migrated."""
    async with own_database(platform_services.settings_for("bus"), "bus") as settings:
        await upgrade(settings)
        yield settings


@pytest.fixture(scope="session")
async def databases(bus_settings: Settings) -> AsyncIterator[Databases]:
    """The database as the application and as the system role see it."""
    pair = Databases(
        Database(bus_settings.database.url("sbs_app")), Database(bus_settings.database.url("sbs_system"))
    )
    yield pair
    await pair.app.close()
    await pair.system.close()


@pytest.fixture(scope="session")
def agent_ca(bus_settings: Settings) -> CertificateAuthority:
    return load_ca(bus_settings.pki.agent_ca_certificate, bus_settings.pki.agent_ca_key)


Enrol = Callable[..., Awaitable[EnrolledAgent]]


@pytest.fixture
async def enrol(databases: Databases, agent_ca: CertificateAuthority, tmp_path: Path) -> Enrol:
    """Makes an agent in a new organization, or in the one that is given."""

    async def make(
        organization_id: UUID | None = None,
        *,
        ca: CertificateAuthority = agent_ca,
        known: bool = True,
        now: datetime | None = None,
        lifetime: timedelta = timedelta(days=90),
    ) -> EnrolledAgent:
        organization = organization_id or new_id()
        agent_id = new_id()
        pem = tmp_path / f"{agent_id.hex}.pem"
        issued, chain = certificate(ca, organization, agent_id, pem, now=now, lifetime=lifetime)
        async with databases.app.transaction(organization) as session:
            if organization_id is None:
                session.add(Organization(id=organization, name=f"organization {organization.hex}"))
                await session.flush()
            if known:
                session.add(_agent_row(organization, agent_id))
                await session.flush()
                session.add(_certificate_row(organization, agent_id, issued, chain))
        return EnrolledAgent(organization, agent_id, f"{issued.serial_number:x}", pem)

    return make


def certificate(
    ca: CertificateAuthority,
    organization_id: UUID,
    agent_id: UUID,
    pem: Path,
    *,
    now: datetime | None = None,
    lifetime: timedelta = timedelta(days=90),
) -> tuple[x509.Certificate, str]:
    """A key and its certificate, written to `pem` for an SSL context."""
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    issued = issue_agent_certificate(
        ca,
        csr.public_bytes(_PEM),
        organization_id=organization_id,
        agent_id=agent_id,
        now=now,
        lifetime=lifetime,
    )
    pem.write_bytes(key_to_pem(key) + issued.chain_pem.encode())
    return issued.certificate, issued.chain_pem


def _agent_row(organization_id: UUID, agent_id: UUID) -> Agent:
    return Agent(
        id=agent_id,
        organization_id=organization_id,
        name=f"agent {agent_id.hex}",
        hostname="machine",
        os="linux",
        arch="x86_64",
        agent_version="2.5.0",
        protocol_version=1,
    )


def _certificate_row(
    organization_id: UUID, agent_id: UUID, issued: x509.Certificate, chain: str
) -> AgentCertificate:
    return AgentCertificate(
        organization_id=organization_id,
        agent_id=agent_id,
        serial=f"{issued.serial_number:x}",
        csr_sha256=new_id().bytes,
        chain_pem=chain,
        not_before=issued.not_valid_before_utc,
        not_after=issued.not_valid_after_utc,
    )


class AgentConnection:
    """An agent's connection to NATS, and what the server told it off for."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.closed = asyncio.Event()
        self._errors: asyncio.Queue[Exception] = asyncio.Queue()

    async def on_error(self, error: Exception) -> None:
        self._errors.put_nowait(error)

    async def on_closed(self) -> None:
        self.closed.set()

    async def errors(self) -> list[str]:
        """What was refused since the last call, as far as the server has said so by now; lower case."""
        await self.client.flush(5)
        found = []
        while not self._errors.empty():
            found.append(str(self._errors.get_nowait()).lower())
        return found

    async def refusal(self) -> str:
        """The next thing that is refused; lower case."""
        async with asyncio.timeout(5):
            return str(await self._errors.get()).lower()


@contextlib.asynccontextmanager
async def connect_agent(settings: Settings, agent: EnrolledAgent) -> AsyncIterator[AgentConnection]:
    """Connects as the agent does. Raises what nats-py or ssl raise when it is not let in."""
    context = ssl.create_default_context(cafile=str(settings.pki.root_certificate))
    context.load_cert_chain(agent.pem)
    connection = AgentConnection(Client())
    try:
        async with asyncio.timeout(10):
            await connection.client.connect(
                servers=[settings.nats.url],
                tls=context,
                tls_handshake_first=True,
                inbox_prefix=inbox_prefix(agent.id).encode(),
                allow_reconnect=False,
                max_reconnect_attempts=1,
                error_cb=connection.on_error,
                closed_cb=connection.on_closed,
            )
            await connection.client.flush(5)
        yield connection
    finally:
        await connection.client.close()


async def eventually(condition: Callable[[], Awaitable[bool]], what: str, *, within_s: float = 45.0) -> None:
    """Waits until `condition` holds. Raises AssertionError naming `what` when it does not in time."""
    end = datetime.now(UTC) + timedelta(seconds=within_s)
    while not await condition():
        if datetime.now(UTC) >= end:
            raise AssertionError(f"not within {within_s} s: {what}")
        await asyncio.sleep(0.05)


@dataclass(frozen=True, slots=True)
class RunningBus:
    """The role `bus`, whole, in this process."""

    outside: Outside
    links: Links

    @property
    def jetstream(self) -> JetStreamContext:
        """As the control plane."""
        return self.links.control.client.jetstream()


@contextlib.asynccontextmanager
async def running_bus(settings: Settings) -> AsyncIterator[RunningBus]:
    """Runs the bus until the block ends; what failed in it is raised then."""
    outside = await connect(settings)
    links, parts = build(settings, outside)
    working = asyncio.create_task(run_all(parts))
    try:
        async with asyncio.timeout(20):
            for link in (links.control, links.callout, links.system):
                await link.wait_connected()
        yield RunningBus(outside, links)
    finally:
        working.cancel()
        await asyncio.wait([working])
        await close(outside)
    if not working.cancelled():
        working.result()


@pytest.fixture
async def bus(bus_settings: Settings) -> AsyncIterator[RunningBus]:
    async with running_bus(bus_settings) as running:
        yield running
