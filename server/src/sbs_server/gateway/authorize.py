"""Who is asking, and for which repository.

Traefik terminates mTLS and hands the verified client certificate on in a header. That header is worth something
only together with the ingress secret, which Traefik alone knows: anybody on this machine can open our port.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from cryptography import x509

from sbs_server.gateway.errors import RefusedError, UnauthenticatedError
from sbs_server.kit.http.headers import CLIENT_CERTIFICATE, INGRESS, asgi_name
from sbs_server.kit.pki import AgentIdentity, PkiError, certificates_from_header, parse_agent_identity

__all__ = ["AgentIdentity", "Authorizer", "CertificateReader", "IngressGuard", "RepositoryGrant"]

_INGRESS = asgi_name(INGRESS)
_CERTIFICATE = asgi_name(CLIENT_CERTIFICATE)
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class RepositoryGrant:
    """What an agent may use: one restic repository and where it lies. `own` False: only to restore from it."""

    restic_repository_id: UUID
    root: Path
    own: bool


class Authorizer(Protocol):
    """Decides about certificates and repositories."""

    async def restic_repository(self, restic_repository_id: UUID, agent: AgentIdentity) -> RepositoryGrant:
        """The repository, if it is this agent's now, or the agent restores from it; at most a second old.

        Asked before every request and again every second while one is running.

        Raises:
            RefusedError: not this agent's repository, or none at all (the same answer), or the agent or its
            certificate is revoked; UnavailableError: it can't be found out now.
        """

    async def ready(self) -> None:
        """Raises: UnavailableError, if questions can't be answered now."""

    async def close(self) -> None:
        """Called once, at the end."""


class IngressGuard:
    """Lets through what came by way of our own ingress."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def check(self, headers: dict[bytes, bytes]) -> None:
        """Raises: RefusedError."""
        if not hmac.compare_digest(headers.get(_INGRESS, b""), self._secret):
            raise RefusedError("the gateway answers requests that come through the platform's ingress only")


class CertificateReader:
    """From the forwarded header to an identity; remembers the certificates it has seen."""

    def __init__(
        self, agent_ca: Sequence[x509.Certificate], now: Callable[[], datetime] | None = None
    ) -> None:
        """`agent_ca`: every agent CA trusted now."""
        self._agent_ca = tuple(agent_ca)
        self._now = now or (lambda: datetime.now(UTC))
        self._seen: OrderedDict[bytes, AgentIdentity] = OrderedDict()

    def identify(self, headers: dict[bytes, bytes]) -> AgentIdentity:
        """Raises: UnauthenticatedError, with what is wrong about the certificate."""
        header = headers.get(_CERTIFICATE, b"")
        if not header:
            raise UnauthenticatedError(
                "no client certificate: enrol the agent, and use its certificate with restic"
            )
        known = self._seen.get(header)
        if known is None or known.not_after < self._now():
            known = self._seen[header] = self._read(header)
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        return known

    def _read(self, header: bytes) -> AgentIdentity:
        try:
            leaf = certificates_from_header(header.decode("latin-1"))[0]
            return parse_agent_identity(leaf, self._agent_ca, now=self._now())
        except PkiError as error:
            raise UnauthenticatedError(f"the client certificate opens nothing here: {error}") from error
