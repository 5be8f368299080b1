"""Who is let in: our ingress only, agents' certificates only, and what the paths on the wire can't do."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives import serialization

from sbs_server.kit.pki.authority import create_issuing
from sbs_server.kit.pki.issue import issue_service_certificate
from sbs_server.testing.gateway import Agent, Stage

CERTIFICATE = "X-Forwarded-Tls-Client-Cert"


@pytest.fixture(scope="module")
def owner(stage: Stage) -> Agent:
    return stage.agent()


@pytest.fixture(scope="module")
def repository(stage: Stage, owner: Agent) -> UUID:
    return stage.repository(owner)


def status(stage: Stage, repository: UUID, headers: dict[str, str]) -> tuple[int, str]:
    answer = httpx.get(stage.url(repository, "config"), headers=headers)
    return answer.status_code, "" if answer.status_code == 200 else answer.json()["detail"]


def test_the_owner_is_let_in_and_a_chain_may_follow_the_leaf(
    stage: Stage, owner: Agent, repository: UUID
) -> None:
    assert status(stage, repository, owner.headers) == (200, "")
    der = stage.agent_ca.certificate.public_bytes(serialization.Encoding.DER)
    chain = f"{owner.headers[CERTIFICATE]},{base64.b64encode(der).decode()}"
    assert status(stage, repository, {**owner.headers, CERTIFICATE: chain}) == (200, "")
    other_first = ",".join(reversed(chain.split(",")))
    assert status(stage, repository, {**owner.headers, CERTIFICATE: other_first})[0] == 401


@pytest.mark.parametrize("secret", ["", "wrong", "ünicode"])
def test_without_the_ingress_secret_a_certificate_counts_for_nothing(
    stage: Stage, owner: Agent, repository: UUID, secret: str
) -> None:
    headers = {**owner.headers, "X-Sbs-Ingress": secret}
    answer = httpx.get(stage.url(repository, "config"), headers=httpx.Headers(headers, encoding="utf-8"))
    assert answer.status_code == 403
    assert "ingress" in answer.json()["detail"]


@pytest.mark.parametrize("header", ["", "!!!", "AAAA", "a" * 5000])
def test_without_a_certificate_nothing_goes(
    stage: Stage, owner: Agent, repository: UUID, header: str
) -> None:
    assert status(stage, repository, {**owner.headers, CERTIFICATE: header})[0] == 401


def test_certificates_of_others_and_old_ones_are_refused(
    stage: Stage, owner: Agent, repository: UUID
) -> None:
    now = datetime.now(UTC)
    foreign = stage.agent(ca=create_issuing("another", stage.root_ca, now))
    expired = stage.agent(now=now - timedelta(days=30), days=10)
    for agent, reason in ((foreign, "agent CA"), (expired, "ended")):
        code, detail = status(stage, repository, agent.headers)
        assert code == 401
        assert reason in detail
    service, _ = issue_service_certificate(stage.agent_ca, "worker")
    der = service.certificate.public_bytes(serialization.Encoding.DER)
    assert status(stage, repository, {**owner.headers, CERTIFICATE: base64.b64encode(der).decode()})[0] == 401


def test_deciding_headers_may_not_come_twice(stage: Stage, owner: Agent, repository: UUID) -> None:
    stranger = stage.agent()
    pairs = [*owner.headers.items(), (CERTIFICATE, stranger.headers[CERTIFICATE])]
    answer = httpx.get(stage.url(repository, "config"), headers=pairs)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "rest",
    [
        "../{id}/config",
        "data/../config",
        "data/%2e%2e/config",
        "%2e%2e/{id}/config",
        "/config",
        "./config",
        "config%00",
        "data/" + "AB" * 32,
        "data/" + "ab" * 32 + "%2f..",
        "data\\" + "ab" * 32,
        "data/..%c0%af" + "ab" * 29,
        "config;x",
    ],
)
def test_tricks_with_paths_are_malformed(stage: Stage, owner: Agent, repository: UUID, rest: str) -> None:
    lines = [f"GET /restic/{repository.hex}/{rest.format(id=repository.hex)} HTTP/1.1", "Host: gateway"]
    lines += [f"{name}: {value}" for name, value in owner.headers.items()]
    answer = stage.raw("\r\n".join([*lines, "Connection: close", "", ""]).encode())
    assert b" 400 " in answer.split(b"\r\n")[0]


def test_a_raw_nul_in_a_path_is_malformed(stage: Stage, owner: Agent, repository: UUID) -> None:
    answer = stage.raw(b"GET /restic/" + repository.hex.encode() + b"/config\x00 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b" 400 " in answer.split(b"\r\n")[0]


def test_refusals_are_logged_with_the_agents_id(stage: Stage, owner: Agent, repository: UUID) -> None:
    stranger = stage.agent()
    assert status(stage, repository, stranger.headers)[0] == 403
    line = next(line for line in stage.log.read_text().splitlines() if stranger.agent_id.hex in line)
    assert "gateway.refused" in line
    assert repository.hex in line
    for agent in (owner, stranger):
        assert agent.headers["X-Sbs-Ingress"] not in stage.log.read_text()


def test_health_needs_no_certificate(stage: Stage) -> None:
    assert httpx.get(f"http://127.0.0.1:{stage.port}/healthz").status_code == 200
    assert httpx.get(f"http://127.0.0.1:{stage.port}/readyz").status_code == 200
    assert httpx.post(f"http://127.0.0.1:{stage.port}/healthz").status_code == 400


def test_storage_that_is_away_makes_the_gateway_not_ready(stage: Stage) -> None:
    away = stage.storage.with_name("away")
    stage.storage.rename(away)
    try:
        answer = httpx.get(f"http://127.0.0.1:{stage.port}/readyz")
    finally:
        away.rename(stage.storage)
    assert answer.status_code == 503
    assert str(stage.storage) in answer.json()["detail"]
