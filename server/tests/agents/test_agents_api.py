"""Agents as people see them, and what agents ask with their certificate."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography import x509
from sqlalchemy import func, select, update

from sbs_protocol import PROTOCOL_VERSION
from sbs_protocol.identifiers import command_id
from sbs_server.agents import abandonment
from sbs_server.agents.order_types import Trouble
from sbs_server.kit.pki import CertificateAuthority, issue_agent_certificate, load_ca
from sbs_server.kit.pki.authority import create_issuing, create_root
from sbs_server.models import (
    AgentCertificate,
    Command,
    CommandState,
    Outbox,
    ResticRepository,
    ResticRepositoryState,
    Role,
)
from sbs_server.testing.api import Api, Person, forwarded, new_csr
from sbs_server.testing.database import make_tenant


@dataclass(frozen=True, slots=True)
class Machine:
    """An enrolled agent and its client, with the certificate in the header as the ingress would set it."""

    id: UUID
    organization_id: UUID
    chain_pem: str
    client: httpx.AsyncClient

    @property
    def path(self) -> str:
        return f"/api/v1/organizations/{self.organization_id}/agents/{self.id}"


async def enrolled(api: Api, person: Person, hostname: str = "machine") -> Machine:
    made = await person.client.post(f"{person.root}/enrolment-tokens", json={"name": "t"})
    body = {
        "token": made.json()["token"],
        "csr_pem": new_csr(),
        "protocol": PROTOCOL_VERSION,
        "hostname": hostname,
        "os": "linux",
        "arch": "x86_64",
        "agent_version": "2.5.0",
    }
    answer = (await api.client().post("/agent/v1/enrol", json=body)).json()
    chain = answer["certificate"]["chain_pem"]
    client = api.client(**{"X-Forwarded-Tls-Client-Cert": forwarded(chain)})
    return Machine(UUID(answer["agent_id"]), person.organization_id, chain, client)


@pytest.fixture
async def person(api: Api) -> Person:
    return await api.person()


@pytest.fixture
async def machine(api: Api, person: Person) -> Machine:
    return await enrolled(api, person)


async def renew(machine: Machine, csr: str | None = None) -> httpx.Response:
    return await machine.client.post("/agent/v1/renew", json={"csr_pem": csr or new_csr()})


async def test_agents_are_filtered_and_paged(api: Api, person: Person) -> None:
    made = [await enrolled(api, person, name) for name in ("alpha", "beta", "Alphabet", "100%")]
    path = f"{person.root}/agents"

    async def names(query: str) -> list[str]:
        return [item["name"] for item in (await person.client.get(f"{path}?{query}")).json()["items"]]

    assert await names("name=ALPHA") == ["Alphabet", "alpha"]
    assert await names("name=%25") == ["100%"]
    assert await names("connected=true") == []
    await person.client.post(f"{made[1].path}/revoke")
    assert await names("state=revoked") == ["beta"]
    assert await names("state=active") == ["100%", "Alphabet", "alpha"]
    first = (await person.client.get(f"{path}?limit=3")).json()
    rest = (await person.client.get(f"{path}?limit=3&cursor={first['next_cursor']}")).json()
    assert [item["name"] for item in first["items"] + rest["items"]] == ["100%", "Alphabet", "beta", "alpha"]
    assert rest["next_cursor"] is None


async def test_unknown_state_is_named(person: Person) -> None:
    answer = await person.client.get(f"{person.root}/agents?state=asleep&limit=0")
    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [
        ("query:limit", "field.too_small"),
        ("query:state", "field.not_one_of"),
    ]


async def test_rename_needs_the_version_and_a_free_name(api: Api, person: Person, machine: Machine) -> None:
    other = await enrolled(api, person, "other")
    read = await person.client.get(machine.path)
    headers = {"If-Match": read.headers["etag"]}
    taken = await person.client.patch(machine.path, json={"name": "other"}, headers=headers)
    assert (taken.status_code, taken.json()["errors"][0]["pointer"]) == (409, "/name")
    done = await person.client.patch(machine.path, json={"name": "renamed"}, headers=headers)
    assert (done.status_code, done.json()["name"], done.json()["version"]) == (200, "renamed", 2)
    assert (await person.client.patch(machine.path, json={"name": "x"}, headers=headers)).status_code == 412
    assert (await person.client.patch(other.path, json={"name": "x"})).status_code == 428


async def test_revoking_shuts_the_agent_out_and_kicks_it(api: Api, person: Person, machine: Machine) -> None:
    assert (await renew(machine)).status_code == 200
    first = await person.client.post(f"{machine.path}/revoke")
    assert (first.status_code, first.json()["state"], first.json()["certificate_not_after"]) == (
        200,
        "revoked",
        None,
    )
    assert (await person.client.post(f"{machine.path}/revoke")).json() == first.json()
    refused = await renew(machine)
    assert (refused.status_code, refused.json()["code"]) == (403, "agent.certificate_revoked")
    async with api.system.transaction() as session:
        left = select(func.count()).where(
            AgentCertificate.agent_id == machine.id, AgentCertificate.revoked_at.is_(None)
        )
        assert await session.scalar(left) == 0
        kinds = select(Outbox.kind).where(Outbox.aggregate == f"agent:{machine.id.hex}").order_by(Outbox.id)
        assert [kind.value for kind in await session.scalars(kinds)] == ["event", "agent_kick", "event"]
    assert len(await api.audited(person.organization_id, "agent.revoked")) == 1
    denied = (await api.audited(person.organization_id, "agent.v1.renew"))[-1]
    assert (denied.result, denied.actor_id) == ("denied", str(machine.id))


@pytest.mark.parametrize(
    ("role", "status"), [(Role.OPERATOR, 403), (Role.AUDITOR, 403), (Role.ORG_ADMIN, 200)]
)
async def test_who_may_revoke(api: Api, person: Person, machine: Machine, role: Role, status: int) -> None:
    other = await api.person(role, person.organization_id)
    assert (await other.client.post(f"{machine.path}/revoke")).status_code == status


async def test_agent_of_another_organization_does_not_exist(
    api: Api, person: Person, machine: Machine
) -> None:
    stranger = await api.person()
    acts: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", machine.path, {}),
        ("PATCH", machine.path, {"json": {"name": "stolen"}, "headers": {"If-Match": "*"}}),
        ("POST", f"{machine.path}/revoke", {}),
    ]
    for method, path, rest in acts:
        inside = path.replace(str(person.organization_id), str(stranger.organization_id))
        for foreign in (path, inside):
            assert (await stranger.client.request(method, foreign, **rest)).status_code == 404
        assert (await person.client.request(method, path, **rest)).status_code == 200


async def test_renewal_gives_another_certificate_and_is_repeatable(
    api: Api, person: Person, machine: Machine
) -> None:
    csr = new_csr()
    answers = await asyncio.gather(*[renew(machine, csr) for _ in range(4)])
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["chain_pem"] for answer in answers}) == 1
    chain = answers[0].json()["chain_pem"]
    assert chain != machine.chain_pem
    new = api.client(**{"X-Forwarded-Tls-Client-Cert": forwarded(chain)})
    assert (await new.post("/agent/v1/renew", json={"csr_pem": csr})).json()["chain_pem"] == chain
    assert (await renew(machine)).status_code == 200  # the one before is good until it ends
    assert len(await api.audited(person.organization_id, "agent.renewed")) == 2


async def test_renewal_with_a_bad_request_names_it(machine: Machine) -> None:
    answer = await renew(machine, "nonsense")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "enrolment.csr_malformed")


def issued(ca: CertificateAuthority, machine: Machine) -> str:
    made = issue_agent_certificate(
        ca, new_csr(), organization_id=machine.organization_id, agent_id=machine.id
    )
    return forwarded(made.chain_pem)


async def test_certificates_that_are_not_ours_open_nothing(api: Api, machine: Machine) -> None:
    pki = api.services.settings.pki
    now = x509.load_pem_x509_certificate(machine.chain_pem.encode()).not_valid_before_utc
    foreign = create_issuing("SBS agent CA", create_root(now), now)
    service = load_ca(pki.dir / "service-ca.crt", pki.dir / "service-ca.key")
    unbooked = load_ca(pki.agent_ca_certificate, pki.agent_ca_key)
    headers = [issued(ca, machine) for ca in (foreign, service, unbooked)]
    for header in [*headers, "AAAA", "é".encode().hex(), ",", forwarded(machine.chain_pem)[8:]]:
        client = api.client(**{"X-Forwarded-Tls-Client-Cert": header})
        answer = await client.post("/agent/v1/renew", json={"csr_pem": new_csr()})
        assert (answer.status_code, answer.json()["code"]) == (401, "agent.certificate_refused")
    answer = await api.client().post("/agent/v1/renew", json={"csr_pem": new_csr()})
    assert (answer.status_code, answer.json()["code"]) == (401, "agent.certificate_missing")


@pytest.mark.parametrize("secret", [None, "", "wrong"])
async def test_certificate_header_without_the_ingress_secret_is_refused(
    api: Api, machine: Machine, secret: str | None
) -> None:
    client = api.client(**{"X-Forwarded-Tls-Client-Cert": forwarded(machine.chain_pem)})
    del client.headers["X-Sbs-Ingress"]
    headers = {} if secret is None else {"X-Sbs-Ingress": secret}
    answer = await client.post("/agent/v1/renew", json={"csr_pem": new_csr()}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "request.ingress")
    assert (await renew(machine)).status_code == 200


@dataclass(frozen=True, slots=True)
class Work:
    """An agent with a command that is under way; `client` sends the agent's certificate."""

    organization_id: UUID
    agent_id: UUID
    restic_repository_id: UUID
    command_id: str
    client: httpx.AsyncClient

    async def ask(self, **headers: str) -> httpx.Response:
        return await self.client.post(
            "/agent/v1/secrets", json={"command_id": self.command_id}, headers=headers
        )


async def at_work(api: Api, state: CommandState = CommandState.RUNNING) -> Work:
    tenant = await make_tenant(api.services.database)
    organization, pki = tenant.organization_id, api.services.settings.pki
    command = command_id(tenant.run_id, "backup", tenant.restic_repository_id)
    made = issue_agent_certificate(
        load_ca(pki.agent_ca_certificate, pki.agent_ca_key),
        new_csr(),
        organization_id=organization,
        agent_id=tenant.agent_id,
    )
    async with api.services.database.transaction(organization) as session:
        secret = await api.services.secrets.put(session, organization, "agent password", "open sesame")
        target = update(ResticRepository).where(ResticRepository.id == tenant.restic_repository_id)
        await session.execute(target.values(agent_secret_id=secret))
        session.add(
            AgentCertificate(
                organization_id=organization,
                agent_id=tenant.agent_id,
                serial=made.serial,
                csr_sha256=uuid4().bytes,
                chain_pem=made.chain_pem,
                not_before=made.not_before,
                not_after=made.not_after,
            )
        )
        session.add(
            Command(
                id=command,
                organization_id=organization,
                agent_id=tenant.agent_id,
                run_id=tenant.run_id,
                restic_repository_id=tenant.restic_repository_id,
                attempt=1,
                body={},
                state=state,
                workflow_id="none",
                activity_id="none",
                ordered_at=func.now(),
            )
        )
    client = api.client(**{"X-Forwarded-Tls-Client-Cert": forwarded(made.chain_pem)})
    return Work(organization, tenant.agent_id, tenant.restic_repository_id, command, client)


async def test_secrets_open_the_commands_repository_and_are_audited_once(api: Api) -> None:
    work = await at_work(api)
    for _ in range(2):
        answer = await work.ask()
        assert answer.status_code == 200, answer.text
        assert answer.json() == {
            "repository_url": f"{api.services.settings.http.agent_url}/restic/{work.restic_repository_id.hex}/",
            "password": "open sesame",
        }
    entries = await api.audited(work.organization_id, "command.secrets_given")
    assert [(entry.actor_id, entry.target_id) for entry in entries] == [(str(work.agent_id), work.command_id)]
    assert "sesame" not in entries[0].canonical


async def test_revoking_ends_the_quarantine_that_a_silent_agent_left(api: Api) -> None:
    work = await at_work(api)
    async with api.services.database.transaction(work.organization_id) as session:
        await abandonment.abandon(session, work.command_id, Trouble("agent_silent", "silent"))
    person = await api.person(organization_id=work.organization_id)
    answer = await person.client.post(f"{person.root}/agents/{work.agent_id}/revoke")
    assert answer.status_code == 200, answer.text
    async with api.services.database.transaction(work.organization_id) as session:
        repository = await session.get_one(ResticRepository, work.restic_repository_id)
        command = await session.get_one(Command, work.command_id)
    assert (repository.state, repository.state_reason) == (ResticRepositoryState.READY, None)
    assert command.state is CommandState.FINISHED


async def test_who_was_given_secrets_has_taken_the_command(api: Api) -> None:
    """Its own event may be late; until then a cancellation would take the command for untouched."""
    work = await at_work(api, CommandState.OPEN)
    assert (await work.ask()).status_code == 200
    async with api.services.database.transaction(work.organization_id) as session:
        command = await session.get_one(Command, work.command_id)
    assert command.state is CommandState.ACCEPTED
    assert command.last_heard_at is not None


@pytest.mark.parametrize("state", [CommandState.FINISHED, CommandState.ABANDONED])
async def test_secrets_of_a_command_that_is_over_are_not_given(api: Api, state: CommandState) -> None:
    answer = await (await at_work(api, state)).ask()
    assert (answer.status_code, answer.json()["code"]) == (409, "agent.command_finished")


async def test_secrets_are_given_to_the_commands_own_agent_alone(api: Api, machine: Machine) -> None:
    one, other = await at_work(api), await at_work(api)
    for client in (other.client, machine.client):
        answer = await client.post("/agent/v1/secrets", json={"command_id": one.command_id})
        assert (answer.status_code, answer.json()["code"]) == (404, "agent.command_unknown")
    assert (await one.ask()).status_code == 200


async def test_secrets_are_not_given_to_another_agent_of_the_organization(api: Api) -> None:
    work = await at_work(api)
    person = await api.person(organization_id=work.organization_id)
    colleague = await enrolled(api, person, "colleague")
    answer = await colleague.client.post("/agent/v1/secrets", json={"command_id": work.command_id})
    assert (answer.status_code, answer.json()["code"]) == (404, "agent.command_unknown")
    assert (await work.ask()).status_code == 200


async def test_secrets_of_a_quarantined_repository_are_not_given(api: Api) -> None:
    work = await at_work(api)
    async with api.services.database.transaction(work.organization_id) as session:
        await session.execute(update(ResticRepository).values(state="quarantined"))
    answer = await work.ask()
    assert (answer.status_code, answer.json()["code"]) == (409, "agent.repository_not_ready")
