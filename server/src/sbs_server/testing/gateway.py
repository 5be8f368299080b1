"""A stage for tests of the repository gateway: the real process, a real Traefik before it, real restic repositories.

Use it with `pytest_plugins` or by building `Stage` in a fixture of your own.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sbs_server.kit.http import headers
from sbs_server.kit.ids import new_id
from sbs_server.kit.pki import CertificateAuthority, issue_agent_certificate
from sbs_server.kit.pki.authority import create_issuing, create_root
from sbs_server.kit.pki.issue import issue_server_certificate

PASSWORD = "gateway tests"  # noqa: S105 - of repositories that live for seconds
INGRESS = "the ingress secret of the tests"
_WAIT_S = 30.0


def wait_for(condition: Callable[[], bool], what: str, timeout_s: float = _WAIT_S) -> None:
    """Until `condition` holds. Raises: TimeoutError."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout_s:g} s for {what}")
        time.sleep(0.01)


@dataclass(frozen=True)
class Agent:
    """An enrolled agent: `pem` (certificates and key) for restic, `headers` as Traefik would add them."""

    organization_id: UUID
    agent_id: UUID
    serial: str
    pem: Path
    headers: dict[str, str]


@dataclass
class Options:
    """What single tests want different from the usual."""

    object_bytes: int = 256 << 20
    idle_s: float = 300.0
    unnamed: bool = True
    file_size_limit: int | None = None
    roots: list[Path] = field(default_factory=list)


class Stage:
    """One gateway with one Traefik; `stop` in the end."""

    def __init__(self, folder: Path, restic: Path, options: Options | None = None) -> None:
        self.folder = folder
        self.restic_binary = restic
        self.options = options or Options()
        self.storage = folder / "storage"
        self.storage.mkdir(parents=True)
        self.log = folder / "gateway.log"
        self.port = _free_port()
        self.tls_port = 0
        now = datetime.now(UTC)
        self.root_ca = create_root(now)
        self.agent_ca = create_issuing("agents", self.root_ca, now)
        self.process: subprocess.Popen[bytes] | None = None
        self._traefik: subprocess.Popen[bytes] | None = None
        self._grants: dict[str, dict[str, str]] = {}
        self._restorers: dict[str, list[str]] = {}
        self._revoked: list[str] = []
        self._template: Path | None = None
        self._restics: list[subprocess.Popen[str]] = []
        (folder / "agent-ca.crt").write_text(self.agent_ca.chain_pem)
        (folder / "password").write_text(PASSWORD)
        self._write_grants()

    # The processes

    def start(self) -> None:
        """Start the gateway and wait until it is ready."""
        configuration = {
            "port": self.port,
            "roots": [str(root) for root in [self.storage, *self.options.roots]],
            "state": str(self.folder / "state"),
            "grants": str(self.folder / "grants.json"),
            "ca": str(self.folder / "agent-ca.crt"),
            "ingress": INGRESS,
            "object_bytes": self.options.object_bytes,
            "idle_s": self.options.idle_s,
            "unnamed": self.options.unnamed,
        }
        (self.folder / "gateway.json").write_text(json.dumps(configuration))
        command = [
            sys.executable,
            "-m",
            "sbs_server.testing.gateway_process",
            str(self.folder / "gateway.json"),
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        if self.options.file_size_limit is not None:
            limit = (self.options.file_size_limit, resource.RLIM_INFINITY)
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, limit)
        wait_for(self._is_ready, f"the gateway; its log is {self.log}")

    def start_traefik(self) -> None:
        """TLS 1.3 with client certificates before the gateway, as on a real installation."""
        self.tls_port = _free_port()
        _write_server_certificate(self.folder, self.root_ca)
        static, dynamic = _traefik_configuration(self.folder, self.tls_port, self.port)
        (self.folder / "dynamic.yml").write_text(yaml.safe_dump(dynamic))
        (self.folder / "static.yml").write_text(yaml.safe_dump(static))
        binary = Path(sys.executable).parent / "traefik"
        command = [str(binary), f"--configFile={self.folder / 'static.yml'}"]
        with (self.folder / "traefik.log").open("ab") as log:
            self._traefik = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(lambda: _listens(self.tls_port), "Traefik")

    def kill(self) -> None:
        """kill -9 of the gateway."""
        assert self.process is not None  # noqa: S101 - a test that kills has started
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End everything; the gateway gracefully."""
        for restic in self._restics:
            if restic.returncode is None:
                restic.kill()
                restic.communicate()
        for process in (self.process, self._traefik):
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait(60)

    def _is_ready(self) -> bool:
        assert self.process is not None  # noqa: S101 - called by `start`
        if self.process.poll() is not None:
            raise RuntimeError(f"the gateway ended with {self.process.returncode}: {self.log.read_text()}")
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    # Agents and repositories

    def agent(
        self, *, ca: CertificateAuthority | None = None, now: datetime | None = None, days: int = 90
    ) -> Agent:
        """A new agent in an organization of its own."""
        organization_id, agent_id = new_id(), new_id()
        key = ec.generate_private_key(ec.SECP256R1())
        csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
        issued = issue_agent_certificate(
            ca or self.agent_ca,
            csr.public_bytes(serialization.Encoding.PEM),
            organization_id=organization_id,
            agent_id=agent_id,
            now=now,
            lifetime=timedelta(days=days),
        )
        pem = self.folder / f"{agent_id.hex}.pem"
        pem.write_text(issued.chain_pem + _key_pem(key))
        der = issued.certificate.public_bytes(serialization.Encoding.DER)
        added = {headers.INGRESS: INGRESS, headers.CLIENT_CERTIFICATE: base64.b64encode(der).decode()}
        return Agent(organization_id, agent_id, issued.serial, pem, added)

    def repository(self, agent: Agent, parent: Path | None = None) -> UUID:
        """A new restic repository of the agent, initialised on the local path by "the control plane"."""
        repository_id = new_id()
        path = (parent or self.storage) / repository_id.hex
        if self._template is None:
            template = self.folder / "template"
            self._run(["-r", str(template), "init"])
            self._template = template
        shutil.copytree(self._template, path)
        self.grant(repository_id, agent, path)
        return repository_id

    def path(self, repository_id: UUID) -> Path:
        return Path(self._grants[repository_id.hex]["path"])

    def grant(self, repository_id: UUID, agent: Agent, path: Path) -> None:
        self._grants[repository_id.hex] = {"agent": agent.agent_id.hex, "path": str(path)}
        self._write_grants()

    def let_restore(self, repository_id: UUID, *agents: Agent) -> None:
        """These agents restore from the repository now, and no others but its own."""
        self._restorers[repository_id.hex] = [agent.agent_id.hex for agent in agents]
        self._write_grants()

    def revoke(self, agent: Agent) -> None:
        self._revoked.append(agent.serial)
        self._write_grants()

    def _write_grants(self) -> None:
        new = self.folder / "grants.new"
        grants = {
            name: {**grant, "restorers": self._restorers.get(name, [])}
            for name, grant in self._grants.items()
        }
        new.write_text(json.dumps({"grants": grants, "revoked": self._revoked}))
        new.rename(self.folder / "grants.json")

    # Ways to talk to it

    def url(self, repository_id: UUID, rest: str = "") -> str:
        return f"http://127.0.0.1:{self.port}/restic/{repository_id.hex}/{rest}"

    def client(self, agent: Agent) -> httpx.Client:
        """Past Traefik, with the headers it would add."""
        return httpx.Client(headers=agent.headers, timeout=60)

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are, read until the server closes (ask it to, with Connection: close)."""
        with socket.create_connection(("127.0.0.1", self.port), 30) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def restic(self, agent: Agent, repository_id: UUID, *arguments: str) -> subprocess.CompletedProcess[str]:
        """restic as the agent, through Traefik. The caller looks at the exit code."""
        return self._finish(self.start_restic(agent, repository_id, *arguments))

    def start_restic(self, agent: Agent, repository_id: UUID, *arguments: str) -> subprocess.Popen[str]:
        url = f"rest:https://localhost:{self.tls_port}/restic/{repository_id.hex}/"
        tls = ["--cacert", str(self.folder / "root.crt"), "--tls-client-cert", str(agent.pem)]
        return self._start(["-r", url, *tls, *arguments])

    def restic_locally(self, repository_id: UUID, *arguments: str) -> subprocess.CompletedProcess[str]:
        """restic as the control plane, on the local path."""
        return self._run(["-r", str(self.path(repository_id)), *arguments])

    def start_restic_locally(self, repository_id: UUID, *arguments: str) -> subprocess.Popen[str]:
        """The same without waiting; its standard input is a pipe that stays open."""
        return self._start(["-r", str(self.path(repository_id)), *arguments])

    def _run(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        done = self._finish(self._start(arguments))
        if done.returncode:
            raise RuntimeError(f"restic {arguments} ended with {done.returncode}: {done.stderr}")
        return done

    def _start(self, arguments: list[str]) -> subprocess.Popen[str]:
        command = [str(self.restic_binary), "-p", str(self.folder / "password"), "--no-cache", *arguments]
        environment = {**os.environ, "HOME": str(self.folder)}
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, env=environment, text=True, stdin=pipe, stdout=pipe, stderr=pipe)
        self._restics.append(process)
        return process

    def _finish(self, process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
        out, error = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, out, error)


def _traefik_configuration(
    folder: Path, port: int, backend: int
) -> tuple[dict[str, object], dict[str, object]]:
    timeouts = {"respondingTimeouts": {"readTimeout": "0s", "writeTimeout": "0s"}}
    static: dict[str, object] = {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "entryPoints": {
            "agents": {
                "address": f"127.0.0.1:{port}",
                "http": {"aliasHeadersStrategy": "delete"},
                "transport": timeouts,
            }
        },
        "providers": {"file": {"filename": str(folder / "dynamic.yml")}},
    }
    authority = {"caFiles": [str(folder / "agent-ca.crt")], "clientAuthType": "RequireAndVerifyClientCert"}
    pair = {"certFile": str(folder / "server.crt"), "keyFile": str(folder / "server.key")}
    middlewares = {
        "strip": {"headers": {"customRequestHeaders": {headers.CLIENT_CERTIFICATE: "", headers.INGRESS: ""}}},
        "certificate": {"passTLSClientCert": {"pem": True}},
        "ingress": {"headers": {"customRequestHeaders": {headers.INGRESS: INGRESS}}},
    }
    router = {
        "entryPoints": ["agents"],
        "rule": "PathPrefix(`/restic/`)",
        "service": "gateway",
        "middlewares": list(middlewares),
        "tls": {},
    }
    dynamic: dict[str, object] = {
        "tls": {
            "options": {
                "default": {
                    "minVersion": "VersionTLS13",
                    "clientAuth": authority,
                    "alpnProtocols": ["http/1.1"],
                }
            },
            "stores": {"default": {"defaultCertificate": pair}},
        },
        "http": {
            "routers": {"restic": router},
            "middlewares": middlewares,
            "services": {"gateway": {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{backend}"}]}}},
        },
    }
    return static, dynamic


def _write_server_certificate(folder: Path, root: CertificateAuthority) -> None:
    issuing = create_issuing("servers", root, datetime.now(UTC))
    issued, key = issue_server_certificate(issuing, ["localhost"])
    (folder / "root.crt").write_text(root.chain_pem)
    (folder / "server.crt").write_text(issued.chain_pem)
    (folder / "server.key").write_text(_key_pem(key))


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


__all__ = ["INGRESS", "PASSWORD", "Agent", "Options", "Stage", "wait_for"]
