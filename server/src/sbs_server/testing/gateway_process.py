"""The gateway as a process of its own for tests: everything real except that grants come from a JSON file.

    python -m sbs_server.testing.gateway_process <configuration.json>

The file of grants: {"grants": {"<restic repository>": {"agent": "<id>", "path": "...", "restorers": ["<id>"]}},
"revoked": ["<serial>"]}.
It is read again whenever it was replaced.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NotRequired, TypedDict
from uuid import UUID

import structlog
from cryptography import x509

from sbs_server.gateway.app import parts
from sbs_server.gateway.authorize import AgentIdentity, CertificateReader, IngressGuard, RepositoryGrant
from sbs_server.gateway.errors import RefusedError
from sbs_server.gateway.layout import StorageRoots
from sbs_server.gateway.operations import Limits
from sbs_server.gateway.server import GatewayServer
from sbs_server.gateway.state import GatewayState
from sbs_server.gateway.temporary import TemporaryFiles


class Grant(TypedDict):
    agent: str
    path: str
    restorers: NotRequired[list[str]]


class Grants(TypedDict):
    grants: dict[str, Grant]
    revoked: list[str]


class Configuration(TypedDict):
    """What the process is told."""

    port: int
    roots: list[str]
    state: str
    grants: str
    ca: str
    ingress: str
    object_bytes: int
    idle_s: float
    unnamed: bool


class FileAuthorizer:
    """`Authorizer` over a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _read(self) -> Grants:
        grants: Grants = json.loads(self._path.read_text())
        return grants

    async def restic_repository(self, restic_repository_id: UUID, agent: AgentIdentity) -> RepositoryGrant:
        known = self._read()
        grant = known["grants"].get(restic_repository_id.hex)
        own = grant is not None and grant["agent"] == agent.agent_id.hex
        restores = grant is not None and agent.agent_id.hex in grant.get("restorers", [])
        if grant is None or not (own or restores) or agent.serial in known["revoked"]:
            raise RefusedError("this restic repository is not one of this agent's")
        return RepositoryGrant(restic_repository_id, Path(grant["path"]), own)

    async def ready(self) -> None:
        return None

    async def close(self) -> None:
        return None


def run(configuration: Configuration) -> None:
    """Until SIGTERM."""
    structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()])
    state = GatewayState(Path(configuration["state"]))
    given = parts(
        authorizer=FileAuthorizer(Path(configuration["grants"])),
        ingress=IngressGuard(configuration["ingress"]),
        certificates=CertificateReader(
            x509.load_pem_x509_certificates(Path(configuration["ca"]).read_bytes())
        ),
        roots=StorageRoots([Path(root) for root in configuration["roots"]]),
        state=state,
        limits=Limits(object_bytes=configuration["object_bytes"], idle_s=configuration["idle_s"]),
        temporary=TemporaryFiles(state, unnamed=configuration["unnamed"]),
    )
    GatewayServer(given, "127.0.0.1", configuration["port"]).run()


if __name__ == "__main__":
    run(json.loads(Path(sys.argv[1]).read_text()))
