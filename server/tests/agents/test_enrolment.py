"""A token becomes an agent, exactly as often as it may."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import text

from sbs_protocol import PROTOCOL_VERSION
from sbs_protocol.enrolment import EnrolmentToken, EnrolResponse
from sbs_protocol.identifiers import agent_uri
from sbs_server.agents.agent_endpoints import FAILED_ENROLMENTS
from sbs_server.models import Role
from sbs_server.testing.api import Api, Person, new_csr

ENROL = "/agent/v1/enrol"


async def new_token(person: Person, **wanted: Any) -> str:
    answer = await person.client.post(f"{person.root}/enrolment-tokens", json={"name": "a token", **wanted})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def request(token: str, **changes: Any) -> dict[str, Any]:
    body = {
        "token": token,
        "csr_pem": new_csr(),
        "protocol": PROTOCOL_VERSION,
        "hostname": "machine",
        "os": "linux",
        "arch": "x86_64",
        "agent_version": "2.5.0",
    }
    return {**body, **changes}


async def enrol(api: Api, body: dict[str, Any], **headers: str) -> httpx.Response:
    return await api.client(**headers).post(ENROL, json=body)


def problem(answer: httpx.Response) -> tuple[int, str, list[tuple[str, str]]]:
    body = answer.json()
    return answer.status_code, body["code"], [(e["pointer"], e["code"]) for e in body.get("errors", [])]


async def agents_of(api: Api, person: Person) -> int:
    return await api.count("SELECT count(*) FROM agent WHERE organization_id = :o", o=person.organization_id)


@pytest.fixture
async def person(api: Api) -> Person:
    return await api.person()


async def test_token_becomes_an_agent_with_a_certificate_in_its_own_name(api: Api, person: Person) -> None:
    token = await new_token(person)
    key = ec.generate_private_key(ec.SECP256R1())
    answer = await enrol(api, request(token, csr_pem=new_csr(key), hostname="ледник", new_field="ignored"))
    assert answer.status_code == 200, answer.text
    given = EnrolResponse.model_validate_json(answer.content)
    leaf, issuer = x509.load_pem_x509_certificates(given.certificate.chain_pem.encode())
    leaf.verify_directly_issued_by(issuer)
    assert leaf.public_key() == key.public_key()
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == [agent_uri(person.organization_id, given.agent_id)]
    assert given.endpoints.agent_url == api.services.settings.http.agent_url
    seen = (await person.client.get(f"{person.root}/agents/{given.agent_id}")).json()
    assert (seen["name"], seen["hostname"], seen["state"]) == ("ледник", "ледник", "active")
    assert datetime.fromisoformat(seen["certificate_not_after"]) == leaf.not_valid_after_utc
    entry = (await api.audited(person.organization_id, "agent.enrolled"))[-1]
    assert (entry.actor_kind, entry.actor_id, entry.result) == ("agent", str(given.agent_id), "done")


async def test_names_in_the_request_are_ignored(api: Api, person: Person) -> None:
    foreign = agent_uri(uuid4(), uuid4())
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody else")]))
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(foreign)]), critical=False)
        .sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    )
    body = request(await new_token(person), csr_pem=csr.public_bytes(Encoding.PEM).decode())
    answer = (await enrol(api, body)).json()
    leaf = x509.load_pem_x509_certificates(answer["certificate"]["chain_pem"].encode())[0]
    assert foreign not in leaf.public_bytes(Encoding.PEM).decode()
    assert "somebody else" not in leaf.subject.rfc4514_string()


async def test_token_is_shown_once_and_stored_as_a_hash(api: Api, person: Person) -> None:
    path = f"{person.root}/enrolment-tokens"
    answer = await person.client.post(path, json={"name": "shown once"})
    token = answer.json()["token"]
    secret = EnrolmentToken.parse(token)
    assert token not in answer.json()["command"]
    for later in (await person.client.get(path), await person.client.get(answer.headers["location"])):
        assert token.split(".")[1] not in later.text
    stored = await api.count(
        "SELECT count(*) FROM enrolment_token WHERE secret_sha256 = :hash", hash=secret.secret_sha256()
    )
    assert stored == 1


async def test_replayed_creation_does_not_show_the_token_again_nor_keeps_it(api: Api, person: Person) -> None:
    path, headers = f"{person.root}/enrolment-tokens", {"Idempotency-Key": uuid4().hex}
    first = await person.client.post(path, json={"name": "t"}, headers=headers)
    second = await person.client.post(path, json={"name": "t"}, headers=headers)
    assert (second.json()["id"], second.json()["token"]) == (first.json()["id"], None)
    async with api.system.transaction() as session:
        kept = (await session.execute(text("SELECT response::text FROM idempotency_key"))).scalars().all()
    assert not any(first.json()["token"].split(".")[1] in (row or "") for row in kept)


async def test_used_token_is_refused(api: Api, person: Person) -> None:
    token = await new_token(person)
    assert (await enrol(api, request(token))).status_code == 200
    answer = await enrol(api, request(token))
    assert problem(answer) == (403, "enrolment.token_used", [("/token", "enrolment.token_used")])
    assert await agents_of(api, person) == 1
    entry = (await api.audited(person.organization_id, "agent.enrolled"))[-1]
    assert (entry.result, entry.details["code"]) == ("denied", "enrolment.token_used")


async def test_expired_token_is_refused(api: Api, person: Person) -> None:
    token = await new_token(person)
    async with api.services.database.transaction(person.organization_id) as session:
        await session.execute(text("UPDATE enrolment_token SET expires_at = now() - interval '1 second'"))
    assert problem(await enrol(api, request(token)))[:2] == (403, "enrolment.token_expired")
    states = (await person.client.get(f"{person.root}/enrolment-tokens")).json()["items"]
    assert [item["state"] for item in states] == ["expired"]


async def test_revoked_token_is_refused(api: Api, person: Person) -> None:
    token = await new_token(person)
    listed = (await person.client.get(f"{person.root}/enrolment-tokens")).json()["items"]
    path = f"{person.root}/enrolment-tokens/{listed[0]['id']}/revoke"
    first, second = await person.client.post(path), await person.client.post(path)
    assert (first.status_code, first.json()["state"]) == (200, "revoked")
    assert second.json() == first.json()
    assert problem(await enrol(api, request(token)))[:2] == (403, "enrolment.token_revoked")
    assert len(await api.audited(person.organization_id, "enrolment_token.revoked")) == 1


async def test_unknown_and_foreign_tokens_are_refused(api: Api, person: Person) -> None:
    ours = EnrolmentToken.parse(await new_token(person))
    unknown = EnrolmentToken.new(ours.root_spki_sha256).text()
    assert problem(await enrol(api, request(unknown)))[:2] == (403, "enrolment.token_unknown")
    foreign = EnrolmentToken.new(b"\0" * 32).text()
    answer = problem(await enrol(api, request(foreign)))
    assert answer == (422, "request.invalid", [("/token", "enrolment.token_foreign")])
    malformed = problem(await enrol(api, request("sbsenr1.not-a-token")))
    assert malformed == (422, "request.invalid", [("/token", "enrolment.token_malformed")])


@pytest.mark.parametrize(
    ("given", "code"),
    [(0, "enrolment.protocol_too_old"), (PROTOCOL_VERSION + 1, "enrolment.protocol_too_new")],
)
async def test_protocol_of_another_age_is_refused(api: Api, person: Person, given: int, code: str) -> None:
    token = await new_token(person)
    answer = problem(await enrol(api, request(token, protocol=given)))
    assert answer == (422, "request.invalid", [("/protocol", code)])
    assert (await enrol(api, request(token))).status_code == 200


def _csr_of(key: Any) -> str:
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, algorithm)
    return csr.public_bytes(Encoding.PEM).decode()


def _tampered() -> str:
    der = bytearray(x509.load_pem_x509_csr(new_csr().encode()).public_bytes(Encoding.DER))
    der[-1] ^= 1
    return x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("csr", "code"),
    [
        ("not a request", "enrolment.csr_malformed"),
        (
            "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
            "enrolment.csr_malformed",
        ),
        (_tampered(), "enrolment.csr_bad_signature"),
        (_csr_of(ed25519.Ed25519PrivateKey.generate()), "enrolment.csr_key_type"),
        (_csr_of(rsa.generate_private_key(public_exponent=65537, key_size=1024)), "enrolment.csr_key_size"),
    ],
)
async def test_bad_request_for_a_certificate_does_not_use_up_the_token(
    api: Api, person: Person, csr: str, code: str
) -> None:
    token = await new_token(person)
    answer = problem(await enrol(api, request(token, csr_pem=csr)))
    assert answer == (422, "request.invalid", [("/csr_pem", code)])
    assert await agents_of(api, person) == 0
    assert (await enrol(api, request(token))).status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("hostname", "a\nb", "request.control"),
        ("hostname", "", "field.too_short"),
        ("hostname", "x" * 254, "field.too_long"),
        ("csr_pem", "x" * 20_000, "field.too_long"),
        ("protocol", "1", "field.not_whole"),
        ("os", None, "field.not_text"),
    ],
)
async def test_field_out_of_bounds_is_named(
    api: Api, person: Person, field: str, value: object, code: str
) -> None:
    answer = problem(await enrol(api, request(await new_token(person), **{field: value})))
    assert answer == (422, "request.invalid", [(f"/{field}", code)])


async def test_twenty_at_once_get_exactly_as_many_certificates_as_the_token_has_uses(
    api: Api, person: Person
) -> None:
    token = await new_token(person, max_uses=3)
    answers = await asyncio.gather(*[enrol(api, request(token)) for _ in range(20)])
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [403] * 17
    count = "SELECT count(*) FROM agent_certificate WHERE organization_id = :o"
    assert await api.count(count, o=person.organization_id) == 3
    listed = (await person.client.get(f"{person.root}/agents")).json()["items"]
    assert sorted(item["name"] for item in listed) == ["machine", "machine-2", "machine-3"]


async def test_machines_of_one_name_that_enrol_at_once_with_different_tokens_all_get_a_name(
    api: Api, person: Person
) -> None:
    tokens = [await new_token(person) for _ in range(6)]
    answers = await asyncio.gather(*[enrol(api, request(token, hostname="100%_b")) for token in tokens])
    assert {answer.status_code for answer in answers} == {200}
    listed = (await person.client.get(f"{person.root}/agents")).json()["items"]
    assert len({item["name"] for item in listed}) == 6


@pytest.mark.parametrize("max_uses", [1, 5])
async def test_repeated_request_gets_the_same_certificate_and_uses_nothing_up(
    api: Api, person: Person, max_uses: int
) -> None:
    body = request(await new_token(person, max_uses=max_uses))
    first = await enrol(api, body)
    second = await enrol(api, body)
    assert (second.status_code, second.json()) == (200, first.json())
    assert await agents_of(api, person) == 1
    listed = (await person.client.get(f"{person.root}/enrolment-tokens")).json()["items"]
    assert [item["used_count"] for item in listed] == [1]


async def test_same_request_sent_many_times_at_once_makes_one_agent(api: Api, person: Person) -> None:
    body = request(await new_token(person, max_uses=10))
    answers = await asyncio.gather(*[enrol(api, body) for _ in range(8)])
    assert {json.dumps(answer.json(), sort_keys=True) for answer in answers} == {
        json.dumps(answers[0].json(), sort_keys=True)
    }
    assert await agents_of(api, person) == 1


async def test_repeated_request_of_a_revoked_agent_is_refused(api: Api, person: Person) -> None:
    body = request(await new_token(person))
    agent_id = UUID((await enrol(api, body)).json()["agent_id"])
    assert (await person.client.post(f"{person.root}/agents/{agent_id}/revoke")).status_code == 200
    assert problem(await enrol(api, body))[:2] == (403, "enrolment.token_used")


async def test_request_that_another_organization_answered_is_not_repeated_here(
    api: Api, person: Person
) -> None:
    other = await api.person()
    csr = new_csr()
    first = (await enrol(api, request(await new_token(person), csr_pem=csr))).json()
    second = (await enrol(api, request(await new_token(other), csr_pem=csr))).json()
    assert first["agent_id"] != second["agent_id"]
    assert second["organization_id"] == str(other.organization_id)


async def test_guessing_tokens_is_throttled_by_address(api: Api, person: Person) -> None:
    body = request(EnrolmentToken.new(EnrolmentToken.parse(await new_token(person)).root_spki_sha256).text())
    client = api.client(**{"X-Forwarded-For": "2001:db8:99::1"})
    for _ in range(FAILED_ENROLMENTS.limit):
        await api.app.state.failed_enrolments.hit("2001:db8:99::/64")
    answer = await client.post(ENROL, json=body)
    assert (answer.status_code, answer.json()["code"]) == (429, "request.too_many")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("role", "status"), [(Role.OPERATOR, 201), (Role.AUDITOR, 403), (Role.END_USER, 403)]
)
async def test_who_may_make_tokens(api: Api, role: Role, status: int) -> None:
    person = await api.person(role)
    answer = await person.client.post(f"{person.root}/enrolment-tokens", json={"name": "t"})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/name", "field.missing"),
        ({"name": "  "}, "/name", "field.too_short"),
        ({"name": "a\u0007b"}, "/name", "request.control"),
        ({"name": "t", "max_uses": 0}, "/max_uses", "field.too_small"),
        ({"name": "t", "max_uses": "2"}, "/max_uses", "field.not_whole"),
        ({"name": "t", "expires_in_s": 31 * 24 * 3600}, "/expires_in_s", "field.too_large"),
        ({"name": "t", "uses": 2}, "/uses", "field.unknown"),
    ],
)
async def test_bad_token_request_names_the_field(
    person: Person, body: dict[str, Any], pointer: str, code: str
) -> None:
    answer = await person.client.post(f"{person.root}/enrolment-tokens", json=body)
    assert problem(answer) == (422, "request.invalid", [(pointer, code)])


async def test_trust_is_given_to_anybody(api: Api) -> None:
    answer = await api.client().get("/agent/v1/trust")
    assert answer.json() == {"roots_pem": api.services.settings.pki.trust_bundle.read_text()}
    assert (
        datetime.now(UTC)
        < x509.load_pem_x509_certificate(answer.json()["roots_pem"].encode()).not_valid_after_utc
    )
