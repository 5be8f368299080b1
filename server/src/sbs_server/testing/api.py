"""A pytest plugin: the API on real PostgreSQL and Valkey, people signed in to it, and agents' requests.

Needs the plugins `sbs_server.testing.services` and `sbs_server.testing.database`. Fixture `api`; its methods make the
rest: `await api.person(Role.OPERATOR)` is somebody signed in, in an organization of their own.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import FastAPI
from nats.aio.client import Client
from sqlalchemy import insert, select, text

from sbs_server.api.app import ApiServices, create_app
from sbs_server.auth.caller import CSRF_HEADER
from sbs_server.config import Settings
from sbs_server.kit.db.session import Database
from sbs_server.kit.http.headers import FORWARDED_FOR, INGRESS
from sbs_server.kit.ids import new_id
from sbs_server.models import AuditEntry, Membership, Organization, Role, UserAccount
from sbs_server.roles.api import build

PASSWORD = "correct horse battery staple"  # noqa: S105 - of people who exist in tests only
_BASE = "https://console.localhost:8443"
_addresses = (f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in itertools.count(1))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody signed in. `client` sends cookie and CSRF token; `root` is the path of their organization."""

    user_id: UUID
    email: str
    organization_id: UUID
    client: httpx.AsyncClient

    @property
    def root(self) -> str:
        return f"/api/v1/organizations/{self.organization_id}"


class Api:
    """The application and the means to make people for it."""

    def __init__(self, services: ApiServices, system: Database, app: FastAPI, password_hash: str) -> None:
        self.services = services
        self.system = system
        self.app = app
        self._password_hash = password_hash
        self._open: list[httpx.AsyncClient] = []

    async def bus(self) -> Client:
        """The connection to NATS by which the application listens."""
        link = self.services.live.link
        await link.wait_connected()
        return link.client

    def client(self, **headers: str) -> httpx.AsyncClient:
        """Nobody, from an address of their own, by way of the ingress."""
        ours = {
            INGRESS: self.services.settings.http.ingress_secret(),
            FORWARDED_FOR: next(_addresses),
        }
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url=_BASE, headers={**ours, **headers}
        )
        self._open.append(client)
        return client

    async def account(self, *, is_platform_operator: bool = False, locale: str = "en") -> tuple[UUID, str]:
        """A new account with `PASSWORD`; its id and e-mail."""
        user_id = new_id()
        email = f"person-{user_id.hex}@example.org"
        async with self.system.transaction() as session:
            values = {"email": email, "full_name": "A person", "locale": locale}
            await session.execute(
                insert(UserAccount).values(
                    id=user_id,
                    password_hash=self._password_hash,
                    is_platform_operator=is_platform_operator,
                    **values,
                )
            )
        return user_id, email

    async def organization(self, name: str | None = None) -> UUID:
        organization_id = new_id()
        async with self.system.transaction() as session:
            values = {"id": organization_id, "name": name or f"organization {organization_id.hex}"}
            await session.execute(insert(Organization).values(**values))
        return organization_id

    async def person(
        self,
        role: Role | None = Role.ORG_ADMIN,
        organization_id: UUID | None = None,
        *,
        is_platform_operator: bool = False,
        locale: str = "en",
    ) -> Person:
        """Somebody signed in, member of the given organization or of a new one (role None: no member)."""
        user_id, email = await self.account(is_platform_operator=is_platform_operator, locale=locale)
        home = organization_id or await self.organization()
        if role is not None:
            async with self.system.transaction() as session:
                values = {"organization_id": home, "user_id": user_id, "role": role}
                await session.execute(insert(Membership).values(**values))
        client = self.client()
        answer = await client.post("/api/v1/session", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 201, answer.text  # noqa: S101 - a test's own check
        client.headers[CSRF_HEADER] = answer.json()["csrf_token"]
        return Person(user_id, email, home, client)

    async def audited(self, organization_id: UUID | None, action: str) -> list[AuditEntry]:
        """The acts of that name in an organization's chain, or the platform's; oldest first."""
        chain = organization_id or UUID(int=0)
        async with self.system.transaction() as session:
            found = select(AuditEntry).where(AuditEntry.chain == chain, AuditEntry.action == action)
            return list((await session.scalars(found.order_by(AuditEntry.sequence))).all())

    async def count(self, sql: str, **parameters: object) -> int:
        """A number out of the database, over all tenants."""
        async with self.system.transaction() as session:
            return int((await session.execute(text(sql), parameters)).scalar_one())

    async def close(self) -> None:
        for client in self._open:
            await client.aclose()
        self._open.clear()


def new_csr(key: ec.EllipticCurvePrivateKey | None = None) -> str:
    """A certificate request as an agent makes it."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    request = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return request.public_bytes(Encoding.PEM).decode("ascii")


def forwarded(chain_pem: str) -> str:
    """A chain as the ingress passes it on in X-Forwarded-Tls-Client-Cert."""
    chain = x509.load_pem_x509_certificates(chain_pem.encode())
    return ",".join(base64.b64encode(part.public_bytes(Encoding.DER)).decode() for part in chain)


@contextlib.asynccontextmanager
async def served(settings: Settings, port: int, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """`sbs api` as a process on `port`, ready to answer; its output in `log`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SBS_")}
    env = {**kept, "SBS_DATA_DIR": str(settings.data_dir), "SBS_HTTP__API_PORT": str(port)}
    with log.open("wb") as output:
        argv = [sys.executable, "-m", "sbs_server.roles.cli", "api"]
        process = await asyncio.create_subprocess_exec(*argv, env=env, stderr=output, stdout=output)
    try:
        async with asyncio.timeout(60), httpx.AsyncClient() as client:
            while process.returncode is None:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                        break
                await asyncio.sleep(0.05)
        if process.returncode is not None:
            raise RuntimeError(f"sbs api ended with {process.returncode}; see {log}")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def _running(settings: Settings, system: Database) -> AsyncIterator[Api]:
    async with build(settings, asyncio.Event()) as services:
        api = Api(services, system, create_app(services), await services.passwords.hash(PASSWORD))
        try:
            yield api
        finally:
            await api.close()


@pytest_asyncio.fixture(scope="session")
async def api_stage(migrated: Settings, system_database: Database) -> AsyncIterator[Api]:
    """The application, made once."""
    async with _running(migrated, system_database) as api:
        yield api


@pytest_asyncio.fixture
async def api(api_stage: Api) -> AsyncIterator[Api]:
    """The application; clients made in a test end with it."""
    yield api_stage
    await api_stage.close()
