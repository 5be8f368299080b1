"""The HTTPS calls of an agent: trust, enrolment, renewal, secrets.

First trust: the token carries the SHA-256 of the root CA's public key (SubjectPublicKeyInfo, DER). The agent
reads the trust bundle over a connection it does not yet verify, checks the root in it against that hash, and
only then sends the token, over a connection verified with that root.
"""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sbs_protocol.model import WireModel

TOKEN_PREFIX = "sbsenr1"  # noqa: S105 - a prefix that secret scanners can look for
_SECRET_BYTES = 32


class TokenMalformedError(ValueError):
    """The text is not an enrolment token; says what one looks like, never repeats the text."""

    def __init__(self) -> None:
        super().__init__(f"an enrolment token has the form {TOKEN_PREFIX}.<secret>.<hash>, copied whole")


@dataclass(frozen=True, slots=True)
class EnrolmentToken:
    secret: bytes = field(repr=False)
    root_spki_sha256: bytes

    @classmethod
    def new(cls, root_spki_sha256: bytes) -> "EnrolmentToken":
        return cls(secrets.token_bytes(_SECRET_BYTES), root_spki_sha256)

    @classmethod
    def parse(cls, text: str) -> "EnrolmentToken":
        """Raises `TokenMalformedError`."""
        parts = text.strip().split(".")
        if len(parts) != 3 or parts[0] != TOKEN_PREFIX:
            raise TokenMalformedError
        secret, root = _from_base64url(parts[1]), _from_base64url(parts[2])
        if len(secret) != _SECRET_BYTES or len(root) != hashlib.sha256().digest_size:
            raise TokenMalformedError
        return cls(secret, root)

    def text(self) -> str:
        """What is shown once to the administrator."""
        return f"{TOKEN_PREFIX}.{_to_base64url(self.secret)}.{_to_base64url(self.root_spki_sha256)}"

    def secret_sha256(self) -> bytes:
        """What the control plane stores."""
        return hashlib.sha256(self.secret).digest()


class TrustBundle(WireModel):
    """Answer of `GET /agent/v1/trust`: PEM certificates of the roots in force."""

    roots_pem: str


class EnrolRequest(WireModel):
    """`POST /agent/v1/enrol`. Names in the CSR are ignored."""

    token: str
    csr_pem: str
    protocol: int
    hostname: str
    os: str
    arch: str
    agent_version: str


class Endpoints(WireModel):
    agent_url: str  # https, mTLS: /agent/v1 and /restic
    nats_url: str  # tls, mTLS


class Certificate(WireModel):
    """A certificate chain (leaf first) and what may be trusted."""

    chain_pem: str
    roots_pem: str
    not_after: datetime


class EnrolResponse(WireModel):
    organization_id: UUID
    agent_id: UUID
    certificate: Certificate
    endpoints: Endpoints


class RenewRequest(WireModel):
    """`POST /agent/v1/renew`, over mTLS with the certificate in force; idempotent by the CSR's hash."""

    csr_pem: str


class SecretsRequest(WireModel):
    """`POST /agent/v1/secrets`: answered only while the command is open and the agent's own."""

    command_id: str


class SecretsResponse(WireModel):
    """What opens the command's restic repository. Kept in memory only."""

    repository_url: str  # https URL of the gateway; restic gets it as rest:<url>
    password: str


def _to_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _from_base64url(text: str) -> bytes:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise TokenMalformedError from error
    if _to_base64url(data) != text:  # one token, one text: no other alphabet, no stray bits at the end
        raise TokenMalformedError
    return data
