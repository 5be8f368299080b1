"""Agents: a certificate opens what is its own agent's, in its own organization, and nothing else."""

from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import text

from sbs_server.config import Settings
from sbs_server.gateway.authorize import AgentIdentity
from sbs_server.gateway.authorize_db import DatabaseAuthorizer
from sbs_server.gateway.errors import RefusedError
from sbs_server.kit.http.headers import CLIENT_CERTIFICATE
from sbs_server.kit.ids import new_id
from sbs_server.kit.pki import AgentIdentity as CertifiedIdentity
from sbs_server.kit.pki import IssuedCertificate
from sbs_server.testing.api import Api, forwarded, new_csr
from sbs_server.testing.rows import Filled, fill
from sbs_server.testing.superuser import engine_of
from tests.isolation.ledger import contents


@dataclass(frozen=True)
class Machine:
    """An agent with a command that is open, and what opens the restic repository of it."""

    rows: Filled
    certificate: IssuedCertificate
    password: str
    client: httpx.AsyncClient

    @property
    def command(self) -> str:
        found: str = self.rows.rows["command"]["id"]
        return found

    @property
    def repository(self) -> UUID:
        found: UUID = self.rows.rows["restic_repository"]["id"]
        return found

    @property
    def identity(self) -> AgentIdentity:
        return AgentIdentity(
            self.rows.organization_id,
            self.rows.rows["agent"]["id"],
            self.certificate.serial,
            self.certificate.not_after,
        )

    async def secrets(self, command_id: str) -> httpx.Response:
        return await self.client.post("/agent/v1/secrets", json={"command_id": command_id})


async def machine(api: Api, organization_id: UUID | None = None) -> Machine:
    organization, agent, run, target = organization_id or new_id(), new_id(), new_id(), new_id()
    issued = api.services.authority.issue(new_csr(), organization, agent)
    given: dict[str, dict[str, object]] = {
        "agent": {"id": agent},
        "agent_certificate": {
            "serial": issued.serial,
            "chain_pem": issued.chain_pem,
            "not_before": issued.not_before,
            "not_after": issued.not_after,
        },
        "run": {"id": run},
        "restic_repository": {"id": target, "state": "ready"},
        "command": {"id": f"{run.hex}.backup.{target.hex}"},
    }
    async with engine_of(api.services.settings) as engine, engine.begin() as connection:
        rows = await fill(connection, organization, given=given)
    password = f"password-{new_id().hex}"
    async with api.services.database.transaction(organization) as session:
        secret = await api.services.secrets.put(session, organization, "restic", password)
        update = text("UPDATE restic_repository SET agent_secret_id = :secret WHERE id = :id")
        await session.execute(update, {"secret": secret, "id": target})
    client = api.client(**{CLIENT_CERTIFICATE: forwarded(issued.chain_pem)})
    return Machine(rows, issued, password, client)


@pytest.fixture
async def a(api: Api) -> Machine:
    return await machine(api)


@pytest.fixture
async def b(api: Api) -> Machine:
    return await machine(api)


async def belongings(settings: Settings, of: Machine, other: Machine) -> object:
    async with engine_of(settings) as engine, engine.connect() as connection:
        return await contents(connection, of.rows.organization_id, other=other.rows.organization_id)


async def test_secrets_of_a_command_are_for_its_agent_alone(
    api: Api, migrated: Settings, a: Machine, b: Machine
) -> None:
    before = await belongings(migrated, a, b)
    refused = await b.secrets(a.command)
    assert (refused.status_code, refused.json()["code"]) == (404, "agent.command_unknown")
    assert a.password not in refused.text
    assert await belongings(migrated, a, b) == before
    # An agent of the same organization has no business there either.
    neighbour = await machine(api, a.rows.organization_id)
    assert (await neighbour.secrets(a.command)).status_code == 404
    assert (await api.client().post("/agent/v1/secrets", json={"command_id": a.command})).status_code == 401
    for one in (a, b, neighbour):
        own = await one.secrets(one.command)
        assert own.status_code == 200, own.text
        assert own.json()["password"] == one.password
        assert own.json()["repository_url"].endswith(f"/restic/{one.repository.hex}/")


async def test_restic_repository_is_granted_to_its_agent_alone(api: Api, a: Machine, b: Machine) -> None:
    authorizer = DatabaseAuthorizer(api.services.database.engine)
    neighbour = await machine(api, a.rows.organization_id)
    for stranger in (b, neighbour):
        with pytest.raises(RefusedError):
            await authorizer.restic_repository(a.repository, stranger.identity)
    for one in (a, b, neighbour):
        grant = await authorizer.restic_repository(one.repository, one.identity)
        assert grant.restic_repository_id == one.repository
        assert str(grant.root) == one.rows.rows["restic_repository"]["path"]


def claiming(identity: AgentIdentity, key: ec.EllipticCurvePrivateKey) -> str:
    """A request for a certificate that says it is that agent's."""
    name = f"spiffe://sbs/org/{identity.organization_id.hex}/agent/{identity.agent_id.hex}"
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    request = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    return request.public_bytes(Encoding.PEM).decode("ascii")


async def renewed(api: Api, of: Machine, csr_pem: str) -> CertifiedIdentity:
    answer = await of.client.post("/agent/v1/renew", json={"csr_pem": csr_pem})
    assert answer.status_code == 200, answer.text
    return api.services.authority.identify(forwarded(answer.json()["chain_pem"]))


async def test_renewal_gives_the_own_name_whatever_is_asked_for(
    api: Api, migrated: Settings, a: Machine, b: Machine
) -> None:
    request = claiming(a.identity, ec.generate_private_key(ec.SECP256R1()))
    own = await renewed(api, a, request)
    assert (own.organization_id, own.agent_id) == (a.identity.organization_id, a.identity.agent_id)
    before = await belongings(migrated, a, b)
    # The very request of A: it must not bring B the answer that A got.
    got = await renewed(api, b, request)
    assert (got.organization_id, got.agent_id) == (b.identity.organization_id, b.identity.agent_id)
    assert got.serial != own.serial
    assert await belongings(migrated, a, b) == before
