"""What bench/gateway.py runs beside restic: our gateway, rclone and Traefik with certificates of its own.

As a command (`python -m bench.gateway_parts <port> <storage root> <state folder>`) it is the gateway itself, with
an authorizer that lets every request into the repository of its address: what is measured is the data path.
"""

from __future__ import annotations

import datetime
import os
import sys
from pathlib import Path
from subprocess import Popen
from uuid import UUID

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from sbs_server.gateway.app import parts
from sbs_server.gateway.authorize import AgentIdentity, CertificateReader, IngressGuard, RepositoryGrant
from sbs_server.gateway.layout import StorageRoots
from sbs_server.gateway.server import GatewayServer, Loop
from sbs_server.gateway.state import GatewayState
from sbs_server.kit.pki.authority import key_to_pem

Key = ec.EllipticCurvePrivateKey
AGENT = AgentIdentity(UUID(int=1), UUID(int=2), "3", datetime.datetime.max.replace(tzinfo=datetime.UTC))


class OpenAuthorizer:
    """Everything below one folder, for whoever asks."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def restic_repository(self, restic_repository_id: UUID, agent: AgentIdentity) -> RepositoryGrant:
        del agent
        return RepositoryGrant(restic_repository_id, self._root / restic_repository_id.hex, own=True)

    async def ready(self) -> None:
        return None

    async def close(self) -> None:
        return None


class OpenIngress(IngressGuard):
    """restic can't send headers of ours, so the direct way goes without the secret."""

    def check(self, headers: dict[bytes, bytes]) -> None:
        del headers


class AnyCertificate(CertificateReader):
    """Reads the certificate where there is one (behind Traefik), else takes a made-up agent (plain HTTP)."""

    def identify(self, headers: dict[bytes, bytes]) -> AgentIdentity:
        return super().identify(headers) if b"x-forwarded-tls-client-cert" in headers else AGENT


def serve(port: int, root: Path, state: Path) -> None:
    """The gateway, until SIGTERM."""
    ca = x509.load_pem_x509_certificate((state.parent / "ca.crt").read_bytes())
    given = parts(
        authorizer=OpenAuthorizer(root),
        ingress=OpenIngress(""),
        certificates=AnyCertificate([ca]),
        roots=StorageRoots([root]),
        state=GatewayState(state),
    )
    loop: Loop = "asyncio" if os.environ.get("BENCH_LOOP") == "asyncio" else "uvloop"
    GatewayServer(given, "127.0.0.1", port, loop=loop).run()


def make_certificates(folder: Path) -> None:
    """ca.crt, server.crt/.key (localhost), agent.pem (certificate and key, as restic wants it)."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("bench CA", ca_key, None, ca_key, x509.BasicConstraints(ca=True, path_length=0))
    (folder / "ca.crt").write_bytes(_pem(ca))
    server_key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    (folder / "server.crt").write_bytes(_pem(_certificate("localhost", server_key, ca, ca_key, names)))
    (folder / "server.key").write_bytes(key_to_pem(server_key))
    agent_key = ec.generate_private_key(ec.SECP256R1())
    uri = f"spiffe://sbs/org/{AGENT.organization_id.hex}/agent/{AGENT.agent_id.hex}"
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
    agent = _certificate("agent", agent_key, ca, ca_key, names)
    (folder / "agent.pem").write_bytes(_pem(agent) + key_to_pem(agent_key))


def start_traefik(
    binary: Path, folder: Path, services: dict[str, int], ports: dict[str, int]
) -> Popen[bytes]:
    """`services`: name to backend port; `ports`: name (and name-h2) to the TLS port in front of it.

    A name that ends in -h2 offers HTTP/2 too, the others HTTP/1.1 only.
    """
    options = {
        "minVersion": "VersionTLS13",
        "clientAuth": {"caFiles": [str(folder / "ca.crt")], "clientAuthType": "RequireAndVerifyClientCert"},
    }
    transport = {"respondingTimeouts": {"readTimeout": "0s", "writeTimeout": "0s"}}
    static = {
        "entryPoints": {n: {"address": f"127.0.0.1:{p}", "transport": transport} for n, p in ports.items()},
        "providers": {"file": {"filename": str(folder / "dynamic.yml")}},
        "log": {"level": "ERROR"},
    }
    dynamic = {
        "tls": {
            "options": {"default": {**options, "alpnProtocols": ["http/1.1"]}, "h2": options},
            "stores": {"default": {"defaultCertificate": _files(folder)}},
        },
        "http": {
            "middlewares": {"pem": {"passTLSClientCert": {"pem": True}}},
            "services": {
                n: {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{p}"}]}}
                for n, p in services.items()
            },
            "routers": {
                n: {
                    "entryPoints": [n],
                    "rule": "Host(`localhost`)",
                    "service": n.removesuffix("-h2"),
                    # rclone refuses header lines as long as a certificate's; it could not use it anyway.
                    "middlewares": [] if n.startswith("rclone") else ["pem"],
                    "tls": {"options": "h2"} if n.endswith("-h2") else {},
                }
                for n in ports
            },
        },
    }
    (folder / "static.yml").write_text(yaml.safe_dump(static))
    (folder / "dynamic.yml").write_text(yaml.safe_dump(dynamic))
    return Popen([binary, f"--configFile={folder / 'static.yml'}"])


def _files(folder: Path) -> dict[str, str]:
    return {"certFile": str(folder / "server.crt"), "keyFile": str(folder / "server.key")}


def _certificate(
    name: str, key: Key, ca: x509.Certificate | None, ca_key: Key, extension: x509.ExtensionType
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        issuer_name=ca.subject if ca else subject,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - datetime.timedelta(hours=1),
        not_valid_after=now + datetime.timedelta(days=2),
    )
    if ca is not None:
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return builder.add_extension(extension, critical=True).sign(ca_key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
