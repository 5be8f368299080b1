"""Grants from the real database, by the function of the real migrations; and the role with all of it."""

import asyncio
import base64
import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import create_async_engine

from sbs_server.config import Settings
from sbs_server.gateway.authorize import AgentIdentity
from sbs_server.gateway.authorize_db import DatabaseAuthorizer
from sbs_server.gateway.errors import RefusedError, UnavailableError
from sbs_server.kit.db.session import Database
from sbs_server.kit.ids import new_id
from sbs_server.kit.pki import issue_agent_certificate, load_ca
from sbs_server.models import (
    Agent,
    AgentCertificate,
    AgentState,
    Command,
    CommandState,
    ResticRepository,
    ResticRepositoryState,
)
from sbs_server.testing.database import Tenant, make_tenant
from sbs_server.testing.gateway import wait_for

SOON = datetime.now(UTC) + timedelta(days=1)


@dataclass(frozen=True)
class Enrolled:
    tenant: Tenant
    identity: AgentIdentity


async def enrol(database: Database, path: str | None = None, serial: str | None = None) -> Enrolled:
    tenant = await make_tenant(database, path=path)
    identity = AgentIdentity(tenant.organization_id, tenant.agent_id, serial or new_id().hex, SOON)
    async with database.transaction(tenant.organization_id) as session:
        session.add(
            AgentCertificate(
                organization_id=tenant.organization_id,
                agent_id=tenant.agent_id,
                serial=identity.serial,
                csr_sha256=bytes(32),
                chain_pem="",
                not_before=datetime.now(UTC),
                not_after=SOON,
            )
        )
    return Enrolled(tenant, identity)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_the_owner_gets_its_repository_and_strangers_do_not(app_database: Database) -> None:
    owner, stranger = await enrol(app_database), await enrol(app_database)
    authorizer = DatabaseAuthorizer(app_database.engine)
    repository = owner.tenant.restic_repository_id
    grant = await authorizer.restic_repository(repository, owner.identity)
    assert grant.restic_repository_id == repository
    assert grant.root.is_absolute()
    for foreign in (repository, new_id()):
        with pytest.raises(RefusedError, match="not one of this agent's"):
            await authorizer.restic_repository(foreign, stranger.identity)
    another = AgentIdentity(owner.tenant.organization_id, owner.tenant.agent_id, new_id().hex, SOON)
    with pytest.raises(RefusedError):
        await authorizer.restic_repository(repository, another)
    await authorizer.ready()


async def another_agent(database: Database, tenant: Tenant) -> AgentIdentity:
    """A second agent of the organization."""
    identity = AgentIdentity(tenant.organization_id, new_id(), new_id().hex, SOON)
    own = {"organization_id": tenant.organization_id}
    async with database.transaction(tenant.organization_id) as session:
        known = {"os": "linux", "arch": "x86_64", "agent_version": "2.5.0", "protocol_version": 1}
        session.add(Agent(id=identity.agent_id, **own, name="other", hostname="other", **known))
        await session.flush()
        session.add(
            AgentCertificate(
                **own,
                agent_id=identity.agent_id,
                serial=identity.serial,
                csr_sha256=new_id().bytes * 2,
                chain_pem="",
                not_before=datetime.now(UTC),
                not_after=SOON,
            )
        )
    return identity


async def set_command(
    database: Database, tenant: Tenant, agent_id: UUID, kind: str, state: CommandState
) -> None:
    """What the agent is to do in the tenant's restic repository."""
    async with database.transaction(tenant.organization_id) as session:
        await session.execute(delete(Command))
        session.add(
            Command(
                id=f"{tenant.run_id.hex}.work.{tenant.restic_repository_id.hex}",
                organization_id=tenant.organization_id,
                agent_id=agent_id,
                run_id=tenant.run_id,
                restic_repository_id=tenant.restic_repository_id,
                attempt=1,
                body={"kind": kind},
                state=state,
                workflow_id="w",
                activity_id="a",
                ordered_at=datetime.now(UTC),
            )
        )


@pytest.mark.parametrize("state", CommandState)
@pytest.mark.parametrize("kind", ["restore.run", "backup.run"])
async def test_another_agent_may_restore_while_it_has_been_told_to(
    app_database: Database, kind: str, state: CommandState
) -> None:
    owner = await enrol(app_database)
    tenant, other = owner.tenant, await another_agent(app_database, owner.tenant)
    await set_command(app_database, tenant, other.agent_id, kind, state)
    authorizer = DatabaseAuthorizer(app_database.engine)
    at_work = state in {CommandState.OPEN, CommandState.ACCEPTED, CommandState.RUNNING}
    if kind == "restore.run" and at_work:
        assert not (await authorizer.restic_repository(tenant.restic_repository_id, other)).own
    else:
        with pytest.raises(RefusedError, match="not one of this agent's"):
            await authorizer.restic_repository(tenant.restic_repository_id, other)
    assert (await authorizer.restic_repository(tenant.restic_repository_id, owner.identity)).own


@pytest.mark.parametrize(("minutes", "may"), [(4, True), (6, False)])
async def test_a_cancelled_restore_gets_minutes_to_end_whatever_its_agent_says(
    app_database: Database, minutes: int, may: bool
) -> None:
    """As long as an agent lists the command as running, it is: one that was taken over would list it for ever."""
    owner = await enrol(app_database)
    tenant, other = owner.tenant, await another_agent(app_database, owner.tenant)
    await set_command(app_database, tenant, other.agent_id, "restore.run", CommandState.RUNNING)
    cancelled_at = datetime.now(UTC) - timedelta(minutes=minutes)
    async with app_database.transaction(tenant.organization_id) as session:
        await session.execute(update(Command).values(cancel_requested_at=cancelled_at))
    authorizer = DatabaseAuthorizer(app_database.engine)
    if may:
        assert not (await authorizer.restic_repository(tenant.restic_repository_id, other)).own
    else:
        with pytest.raises(RefusedError):
            await authorizer.restic_repository(tenant.restic_repository_id, other)
    assert (await authorizer.restic_repository(tenant.restic_repository_id, owner.identity)).own


async def test_a_revoked_agent_does_not_go_on_restoring(app_database: Database) -> None:
    tenant = (await enrol(app_database)).tenant
    other = await another_agent(app_database, tenant)
    await set_command(app_database, tenant, other.agent_id, "restore.run", CommandState.RUNNING)
    async with app_database.transaction(tenant.organization_id) as session:
        revoked = update(Agent).where(Agent.id == other.agent_id).values(state=AgentState.REVOKED)
        await session.execute(revoked)
    with pytest.raises(RefusedError):
        await DatabaseAuthorizer(app_database.engine).restic_repository(tenant.restic_repository_id, other)


async def test_a_revocation_acts_when_the_answer_is_half_a_second_old(app_database: Database) -> None:
    owner, clock = await enrol(app_database), Clock()
    authorizer = DatabaseAuthorizer(app_database.engine, clock)
    repository = owner.tenant.restic_repository_id
    await authorizer.restic_repository(repository, owner.identity)
    async with app_database.transaction(owner.tenant.organization_id) as session:
        await session.execute(update(Agent).values(state=AgentState.REVOKED))
    clock.now = 0.4
    await authorizer.restic_repository(repository, owner.identity)
    clock.now = 0.5
    with pytest.raises(RefusedError, match="revoked"):
        await authorizer.restic_repository(repository, owner.identity)


@pytest.mark.parametrize("state", [ResticRepositoryState.PENDING, ResticRepositoryState.QUARANTINED])
async def test_a_repository_that_is_not_ready_is_refused(
    app_database: Database, state: ResticRepositoryState
) -> None:
    owner = await enrol(app_database)
    async with app_database.transaction(owner.tenant.organization_id) as session:
        await session.execute(update(ResticRepository).values(state=state))
    with pytest.raises(RefusedError, match=state.value):
        await DatabaseAuthorizer(app_database.engine).restic_repository(
            owner.tenant.restic_repository_id, owner.identity
        )


async def test_a_database_that_is_away_is_unavailable_not_refused(migrated: Settings) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = migrated.database.url("sbs_app").set(port=unused.getsockname()[1])
        authorizer = DatabaseAuthorizer(create_async_engine(url))
        with pytest.raises(UnavailableError):
            await authorizer.restic_repository(new_id(), AgentIdentity(new_id(), new_id(), "1", SOON))
        with pytest.raises(UnavailableError):
            await authorizer.ready()
        await authorizer.close()


@pytest.fixture
def role(migrated: Settings, tmp_path: Path) -> Iterator[str]:
    """`sbs gateway` as the supervisor starts it; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "SBS_DATA_DIR": str(migrated.data_dir), "SBS_HTTP__GATEWAY_PORT": str(port)}
    command = [sys.executable, "-m", "sbs_server.roles.cli", "gateway"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: process.poll() is not None or _is_ready(address), "the role")
        assert process.poll() is None, (tmp_path / "log").read_text()
        yield address
    finally:
        process.terminate()
        assert process.wait(30) == 0, (tmp_path / "log").read_text()


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz").status_code == 200
    except httpx.TransportError:
        return False


@dataclass(frozen=True)
class Owner:
    """An agent with a certificate of the real CA, and its restic repository on disk."""

    tenant: Tenant
    folder: Path
    headers: dict[str, str]

    def url(self, path: str) -> str:
        return f"/restic/{self.tenant.restic_repository_id.hex}/{path}"


async def make_owner(migrated: Settings, app_database: Database) -> Owner:
    ca = load_ca(migrated.pki.agent_ca_certificate, migrated.pki.agent_ca_key)
    root = migrated.storage.roots[0] / new_id().hex
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    pem = csr.public_bytes(serialization.Encoding.PEM)
    tenant = await make_tenant(app_database, path=str(root))
    organization_id, agent_id = tenant.organization_id, tenant.agent_id
    issued = issue_agent_certificate(ca, pem, organization_id=organization_id, agent_id=agent_id)
    async with app_database.transaction(tenant.organization_id) as session:
        session.add(
            AgentCertificate(
                organization_id=organization_id,
                agent_id=agent_id,
                serial=issued.serial,
                csr_sha256=bytes(32),
                chain_pem=issued.chain_pem,
                not_before=issued.not_before,
                not_after=issued.not_after,
            )
        )
    folder = root / "agents" / tenant.agent_id.hex
    (folder / "data").mkdir(parents=True)
    (folder / "config").write_bytes(b"restic's config")
    der = issued.certificate.public_bytes(serialization.Encoding.DER)
    headers = {
        "X-Sbs-Ingress": migrated.http.ingress_secret(),
        "X-Forwarded-Tls-Client-Cert": base64.b64encode(der).decode(),
    }
    return Owner(tenant, folder, headers)


async def test_the_role_serves_an_enrolled_agent(
    role: str, migrated: Settings, app_database: Database
) -> None:
    owner = await make_owner(migrated, app_database)
    async with httpx.AsyncClient(base_url=role, headers=owner.headers) as client:
        mine = await client.get(owner.url("config"))
        assert (mine.status_code, mine.content) == (200, b"restic's config")
        assert (await client.get(f"/restic/{new_id().hex}/config")).status_code == 403


async def test_an_agent_that_is_revoked_while_it_uploads_is_cut_off(
    role: str, migrated: Settings, app_database: Database
) -> None:
    owner = await make_owner(migrated, app_database)
    content = os.urandom(4096)
    target = owner.url(f"data/{hashlib.sha256(content).hexdigest()}")
    lines = [f"POST {target} HTTP/1.1", "Host: localhost", "Expect: 100-continue"]
    lines += [
        f"Content-Length: {len(content)}",
        *(f"{name}: {value}" for name, value in owner.headers.items()),
    ]
    async with asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(role.rpartition(":")[2]))
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode())
            assert b" 100 " in await reader.readuntil(b"\r\n\r\n")  # let in: the body is being read
            writer.write(content[:1024])
            async with app_database.transaction(owner.tenant.organization_id) as session:
                await session.execute(update(Agent).values(state=AgentState.REVOKED))
            answer = await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()
    assert (b" 403 " in answer.split(b"\r\n")[0], b"revoked" in answer) == (True, True)
    assert not [path for path in (owner.folder / "data").rglob("*") if path.is_file()]
