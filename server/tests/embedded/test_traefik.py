"""The ingress: who gets through, what the roles behind it see. Stand-ins answer for the roles themselves."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sbs_server.embedded import nats
from sbs_server.embedded.layout import DataDirectory
from sbs_server.embedded.maintenance import Maintenance
from sbs_server.embedded.status import status
from sbs_server.kit.nkeys import NkeyClient, NkeyPair
from sbs_server.kit.pki import (
    certificates_from_header,
    issue_agent_certificate,
    load_ca,
    load_certificates,
    parse_agent_identity,
)
from sbs_server.kit.pki.authority import CertificateAuthority, create_issuing, create_root, key_to_pem
from sbs_server.testing.services import PlatformServices, start_platform

# What a client sees of a TLS alert depends on when it comes.
REFUSED = (httpx.TransportError, ssl.SSLError)


@dataclass
class Ingress:
    """A running Traefik with a backend that answers with the request it got."""

    platform: PlatformServices
    folder: Path

    @property
    def pki(self) -> Path:
        return self.platform.settings.pki.dir

    def context(self, certificate: Path | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.pki / "root.crt")
        if certificate is not None:
            context.load_cert_chain(certificate)
        return context

    async def get(
        self,
        port: str,
        path: str,
        certificate: Path | None = None,
        host: str = "localhost",
        *,
        method: str = "GET",
        **headers: str,
    ) -> httpx.Response:
        url = f"https://{host}:{self.platform.ports[port]}{path}"
        names = {name.replace("__", "-"): value for name, value in headers.items()}
        async with httpx.AsyncClient(verify=self.context(certificate), timeout=10, trust_env=False) as client:
            return await client.request(method, url, headers=names)

    def agent(self, ca: CertificateAuthority | None = None, lifetime: timedelta = timedelta(days=90)) -> Path:
        ca = ca or load_ca(self.pki / "agent-ca.crt", self.pki / "agent-ca.key")
        key = ec.generate_private_key(ec.SECP256R1())
        csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
        issued = issue_agent_certificate(
            ca,
            csr.public_bytes(serialization.Encoding.PEM),
            organization_id=uuid4(),
            agent_id=uuid4(),
            lifetime=lifetime,
        )
        path = self.folder / f"{issued.serial}.pem"
        path.write_bytes(issued.chain_pem.encode() + key_to_pem(key))
        return path


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request of a connection with its own first line and headers, as JSON."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {
                name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:-2])
            }
            body = json.dumps({"line": head[0], "headers": headers}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    except asyncio.IncompleteReadError:
        writer.close()


@pytest.fixture(scope="module")
def traefik() -> Iterator[PlatformServices]:
    path = Path(tempfile.mkdtemp(prefix="sbs-test-"))
    path.chmod(0o755)
    platform = start_platform(path, ["nats", "traefik"])
    yield platform
    platform.stop()
    shutil.rmtree(path)


@pytest.fixture(scope="module")
async def ingress(
    traefik: PlatformServices, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Ingress]:
    connections: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)  # Traefik keeps them open
        await _echo(reader, writer)

    ports = [traefik.ports[role] for role in ("api", "gateway")]
    servers = [await asyncio.start_server(serve, "127.0.0.1", port) for port in ports]
    yield Ingress(traefik, tmp_path_factory.mktemp("certificates"))
    for server in servers:
        server.close()
    for writer in connections:
        writer.close()
        await writer.wait_closed()


async def test_browsers_need_no_certificate_and_the_api_knows_the_way_they_came(ingress: Ingress) -> None:
    answer = await ingress.get("console", "/api/v1/organizations?x=1")
    assert answer.json()["line"] == "GET /api/v1/organizations?x=1 HTTP/1.1"
    secret = ingress.platform.settings.http.ingress_secret()
    assert answer.json()["headers"]["x-sbs-ingress"] == secret
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("port", ["console", "agents"])
async def test_what_a_client_claims_about_itself_is_removed(ingress: Ingress, port: str, host: str) -> None:
    certificate = ingress.agent() if port == "agents" and host == "localhost" else None
    answer = await ingress.get(
        port,
        "/agent/v1/enrol",
        certificate,
        host,
        X__Forwarded__Tls__Client__Cert="spoofed",
        X__Forwarded__Tls__Client__Cert__Info="spoofed",
        X__Sbs__Ingress="spoofed",
        X_Sbs_Ingress="spoofed",
        X_Forwarded_Tls_Client_Cert="spoofed",
        X__Forwarded__For="192.0.2.1",
    )
    assert answer.status_code == 200
    seen = answer.json()["headers"]
    assert "spoofed" not in seen.values()
    assert seen["x-forwarded-for"] == "127.0.0.1"
    if certificate is None:
        assert "x-forwarded-tls-client-cert" not in seen


@pytest.mark.parametrize("path", ["/agent/v1/secrets", "/agent/v1/renew", "/agent"])
async def test_paths_of_agents_do_not_exist_for_browsers(ingress: Ingress, path: str) -> None:
    assert (await ingress.get("console", path)).status_code == 404


@pytest.mark.parametrize("path", ["/agent/v1/secrets", "/restic/a/b/config"])
async def test_the_certificate_of_an_agent_reaches_the_roles(ingress: Ingress, path: str) -> None:
    answer = await ingress.get("agents", path, ingress.agent())
    chain = certificates_from_header(answer.json()["headers"]["x-forwarded-tls-client-cert"])
    trusted = load_certificates(ingress.pki / "agent-ca.crt")
    parse_agent_identity(chain[0], trusted)
    assert chain[1:] == trusted


async def test_on_the_agents_port_nothing_else_exists(ingress: Ingress) -> None:
    for path in ("/", "/api/v1/organizations", "/healthz"):
        assert (await ingress.get("agents", path, ingress.agent())).status_code == 404


async def test_agents_without_a_certificate_are_refused(ingress: Ingress) -> None:
    with pytest.raises(REFUSED):
        await ingress.get("agents", "/agent/v1/secrets")


async def test_without_a_host_name_a_foreign_certificate_is_still_refused(ingress: Ingress) -> None:
    foreign = ingress.agent(create_issuing("SBS agent CA", create_root(datetime.now(UTC)), datetime.now(UTC)))
    for host in ("localhost", "127.0.0.1"):
        with pytest.raises(REFUSED):
            await ingress.get("agents", "/agent/v1/secrets", foreign, host)


async def test_a_service_certificate_is_no_agent_certificate(ingress: Ingress) -> None:
    services = ingress.pki / "services"
    pair = ingress.folder / "bus.pem"
    pair.write_bytes((services / "bus.crt").read_bytes() + (services / "bus.key").read_bytes())
    with pytest.raises(REFUSED):
        await ingress.get("agents", "/agent/v1/secrets", pair)


async def test_an_expired_certificate_is_refused(ingress: Ingress) -> None:
    expired = ingress.agent(lifetime=timedelta(seconds=-1))
    with pytest.raises(REFUSED):
        await ingress.get("agents", "/agent/v1/secrets", expired)


async def test_another_host_in_the_request_does_not_get_around_the_certificate(ingress: Ingress) -> None:
    """SNI of a host without the demand, Host of one with it."""
    answer = await ingress.get("agents", "/agent/v1/secrets", host="127.0.0.1", Host="localhost")
    assert answer.status_code == 421


@pytest.mark.parametrize("path", ["/agent/v1/enrol", "/api/v1/session"])
async def test_guessing_is_slowed_down_and_reading_is_not(ingress: Ingress, path: str) -> None:
    codes = {(await ingress.get("console", path, method="POST")).status_code for _ in range(60)}
    assert codes == {200, 429}
    assert (await ingress.get("console", "/api/v1/session")).status_code == 200


async def test_the_bus_is_reached_through_the_public_port(ingress: Ingress) -> None:
    settings = ingress.platform.settings_for("bus")
    context = ssl.create_default_context(cafile=settings.nats.ca_file)
    context.load_cert_chain(settings.nats.cert_file, settings.nats.key_file)
    client = NkeyClient(NkeyPair.from_seed(settings.nats.seed("control")))
    await client.connect(settings.http.nats_public_url, tls=context, tls_handshake_first=True)
    await client.flush()
    await client.close()


async def _serial(port: int, ca: Path) -> int:
    context = ssl.create_default_context(cafile=ca)
    _reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    tls = writer.get_extra_info("ssl_object")
    certificate = x509.load_der_x509_certificate(tls.getpeercert(binary_form=True))
    writer.close()
    return certificate.serial_number


@contextmanager
def _as_owner_of(path: Path) -> Iterator[None]:
    """What the supervisor does itself it does as its own account; this test may run as root."""
    owner, root = path.stat(), os.geteuid() == 0
    if root:
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
            os.setegid(0)


async def test_a_renewed_server_certificate_is_used_without_a_restart(ingress: Ingress) -> None:
    pids = {row.component: row.pid for row in status(ingress.platform.data_dir).components}
    settings = ingress.platform.settings
    reloaded: list[str] = []
    with _as_owner_of(settings.data_dir):
        (ingress.pki / "server.crt").unlink()
        Maintenance(settings, DataDirectory(settings.data_dir), reloaded.extend).renew_certificates()
    assert reloaded == ["nats"]
    os.kill(pids["nats"] or 0, nats.COMPONENT.reload_signal or 0)
    expected = load_certificates(ingress.pki / "server.crt")[0].serial_number
    for port in ("console", "agents", "nats_public"):
        async with asyncio.timeout(30):
            while await _serial(ingress.platform.ports[port], ingress.pki / "root.crt") != expected:  # noqa: ASYNC110 - of a server
                await asyncio.sleep(0.1)  # nothing in this process tells
    assert pids == {row.component: row.pid for row in status(ingress.platform.data_dir).components}


def test_the_logs_hold_no_queries_and_no_headers(ingress: Ingress) -> None:
    log = (ingress.platform.data_dir / "logs" / "traefik.log").read_text()
    assert "/api/v1/organizations" not in log
