"""The HTTPS side of a control plane, as small as the protocol lets it be; end-to-end tests have the real one.

One server for enrolment (no client certificate) and one for agents (mutual TLS: renewal, secrets, restic's REST).
"""

import json
import ssl
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID, uuid4

from sbs_agent.keys import read_leaf
from sbs_agent.testing.pki import Authority
from sbs_agent.testing.rest_server import RestStore
from sbs_protocol.enrolment import (
    Certificate,
    Endpoints,
    EnrolmentToken,
    EnrolRequest,
    EnrolResponse,
    RenewRequest,
    SecretsRequest,
    SecretsResponse,
    TrustBundle,
)


@dataclass
class ControlPlane:
    """State and answers; a test changes it to make the other side behave badly."""

    authority: Authority
    store: RestStore
    password: str
    nats_url: str
    agent_port: int = 0
    organization_id: UUID = field(default_factory=uuid4)
    agent_id: UUID = field(default_factory=uuid4)
    offered_roots: str | None = None
    token: EnrolmentToken | None = None
    used_by_csr: str | None = None
    refuse_with: tuple[int, str, str] | None = None
    secrets_refused: bool = False
    secrets_unavailable: bool = False
    lifetime: tuple[timedelta, timedelta] = (timedelta(hours=-48), timedelta(days=88))
    renewals: list[str] = field(default_factory=list)
    seen_secrets: list[str] = field(default_factory=list)

    def new_token(self) -> str:
        self.token = EnrolmentToken.new(self.authority.spki_sha256)
        self.used_by_csr = None
        return self.token.text()

    def trust(self) -> str:
        return TrustBundle(roots_pem=self.offered_roots or self.authority.root_pem).model_dump_json()

    def enrol(self, body: bytes) -> tuple[int, str]:
        request = EnrolRequest.model_validate_json(body)
        if self.refuse_with:
            status, code, detail = self.refuse_with
            return status, _problem(status, code, detail)
        if self.token is None or request.token != self.token.text():
            return 403, _problem(403, "token_unknown", "this token is not known here")
        if self.used_by_csr not in (None, request.csr_pem):
            return 403, _problem(403, "token_used", "this token was already used")
        self.used_by_csr = request.csr_pem
        return 200, EnrolResponse(
            organization_id=self.organization_id,
            agent_id=self.agent_id,
            certificate=self.certificate(request.csr_pem),
            endpoints=Endpoints(agent_url=f"https://localhost:{self.agent_port}", nats_url=self.nats_url),
        ).model_dump_json()

    def certificate(self, csr_pem: str) -> Certificate:
        pem = self.authority.issue_for_csr(csr_pem, self.organization_id, self.agent_id, *self.lifetime)
        not_after = read_leaf(pem.encode(), "here").not_after
        return Certificate(chain_pem=pem, roots_pem=self.authority.root_pem, not_after=not_after)

    def renew(self, body: bytes) -> tuple[int, str]:
        csr_pem = RenewRequest.model_validate_json(body).csr_pem
        self.renewals.append(csr_pem)
        self.lifetime = (timedelta(hours=-48), timedelta(days=88))
        return 200, self.certificate(csr_pem).model_dump_json()

    def secrets(self, body: bytes) -> tuple[int, str]:
        command_id = SecretsRequest.model_validate_json(body).command_id
        self.seen_secrets.append(command_id)
        if self.secrets_unavailable:
            return 503, _problem(503, "unavailable", "not now")
        if self.secrets_refused:
            return 409, _problem(409, "command_closed", "this command is not open")
        url = f"https://localhost:{self.agent_port}/restic/repo/"
        return 200, SecretsResponse(repository_url=url, password=self.password).model_dump_json()


def _problem(status: int, code: str, detail: str) -> str:
    return json.dumps(
        {"type": "about:blank", "title": "Refused", "status": status, "code": code, "detail": detail}
    )


class Servers:
    """Both ports, until `close`. Threads are enough for a handful of requests."""

    def __init__(self, plane: ControlPlane, certificate: tuple[Path, Path], root: Path) -> None:
        self.plane = plane
        self._servers = [
            _serve(_public_handler(plane), _tls(certificate, None)),
            _serve(_agent_handler(plane), _tls(certificate, root)),
        ]
        self.public_port, plane.agent_port = (server.server_address[1] for server in self._servers)

    @property
    def address(self) -> str:
        return f"https://localhost:{self.public_port}"

    def close(self) -> None:
        self.plane.store.release()
        for server in self._servers:
            server.shutdown()
            server.server_close()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that are killed, or refused by TLS, are what these tests are about."""


def _serve(handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext) -> ThreadingHTTPServer:
    server = _QuietServer(("127.0.0.1", 0), handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def _tls(certificate: tuple[Path, Path], root: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if root is not None:
        context.load_verify_locations(root)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    plane: ControlPlane

    def answer(self, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", headers.pop("length", str(len(body))))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


def _public_handler(plane: ControlPlane) -> type[BaseHTTPRequestHandler]:
    class Public(_Handler):
        def do_GET(self) -> None:
            self.answer(200, plane.trust().encode())

        def do_POST(self) -> None:
            status, text = plane.enrol(self.body())
            self.answer(
                status, text.encode(), "application/json" if status < 400 else "application/problem+json"
            )

    return Public


def _agent_handler(plane: ControlPlane) -> type[BaseHTTPRequestHandler]:
    calls = {"/agent/v1/renew": plane.renew, "/agent/v1/secrets": plane.secrets}

    class Agents(_Handler):
        def _any(self) -> None:
            if self.path.startswith("/restic/repo/"):
                wants_v2 = "v2" in (self.headers.get("accept") or "")
                answer = plane.store.handle(
                    self.command,
                    self.path.removeprefix("/restic/repo/"),
                    self.body,
                    self.headers.get("range"),
                    wants_v2,
                )
                self.answer(answer.status, answer.body, answer.kind, **answer.headers)
            elif self.command == "POST" and self.path in calls:
                status, text = calls[self.path](self.body())
                self.answer(status, text.encode())
            else:
                self.answer(405, b"{}")

        do_GET = do_POST = do_HEAD = do_DELETE = _any  # noqa: N815 - names that http.server looks for

    return Agents
