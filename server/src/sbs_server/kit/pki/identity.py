"""Who a presented certificate belongs to."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote
from uuid import UUID

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from sbs_protocol.identifiers import parse_agent_uri
from sbs_server.kit.pki.errors import (
    CertificateExpiredError,
    CertificateRefusedError,
    ForeignIdentityError,
    UnknownIssuerError,
)

# A chain is leaf and issuing CA; whoever sends more than a handful has something else in mind.
_MAX_HEADER_CERTIFICATES = 8


@dataclass(frozen=True, slots=True)
class AgentIdentity:
    """What the certificate of an agent proves. `serial` is lower-case hex, `not_after` aware UTC."""

    organization_id: UUID
    agent_id: UUID
    serial: str
    not_after: datetime


def serial_hex(certificate: x509.Certificate) -> str:
    """The serial number as lower-case hex without leading zeros: the form stored and compared everywhere."""
    return f"{certificate.serial_number:x}"


def spki_sha256(certificate: x509.Certificate) -> bytes:
    """SHA-256 (32 bytes) of the SubjectPublicKeyInfo in DER: what an enrolment token carries of the root."""
    der = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).digest()


def parse_agent_identity(
    certificate: x509.Certificate | bytes | str,
    trusted: Sequence[x509.Certificate],
    *,
    now: datetime | None = None,
    expired_for_at_most: timedelta = timedelta(0),
) -> AgentIdentity:
    """Who `certificate` (object, PEM or DER) belongs to, once it is proven to be ours and valid.

    `trusted` are the agent CAs, one of which must have signed it directly: the service CA is below the same
    root, so "chains up to the root" would not be enough. `expired_for_at_most` lets a renewal by proof of
    possession through. Whether the serial is revoked is the caller's question to the database.
    Errors: UnknownIssuerError, CertificateExpiredError, ForeignIdentityError, and CertificateRefusedError for
    what is not a certificate at all.
    """
    leaf = certificate if isinstance(certificate, x509.Certificate) else _load(certificate)
    issuer = _issuer(leaf, trusted)
    moment = now or datetime.now(UTC)
    _require_valid(leaf, moment, expired_for_at_most)
    _require_valid(issuer, moment, expired_for_at_most)
    organization_id, agent_id = _names(leaf)
    return AgentIdentity(organization_id, agent_id, serial_hex(leaf), leaf.not_valid_after_utc)


def certificates_from_header(value: str) -> list[x509.Certificate]:
    """The chain in `X-Forwarded-Tls-Client-Cert`: base64 DER, comma separated, leaf first.

    Errors: CertificateRefusedError.
    """
    parts = unquote(value).split(",", _MAX_HEADER_CERTIFICATES)
    try:
        return [x509.load_der_x509_certificate(base64.b64decode(part, validate=True)) for part in parts]
    except (ValueError, binascii.Error) as error:
        raise CertificateRefusedError("X-Forwarded-Tls-Client-Cert holds no certificates") from error


def _load(data: bytes | str) -> x509.Certificate:
    raw = data.encode() if isinstance(data, str) else data
    try:
        if raw.lstrip().startswith(b"-----"):
            return x509.load_pem_x509_certificate(raw)
        return x509.load_der_x509_certificate(raw)
    except ValueError as error:
        raise CertificateRefusedError("what was presented is not a certificate") from error


def _issuer(leaf: x509.Certificate, trusted: Sequence[x509.Certificate]) -> x509.Certificate:
    for candidate in trusted:
        try:
            leaf.verify_directly_issued_by(candidate)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return candidate
    raise UnknownIssuerError("the certificate was not issued by the agent CA of this installation")


def _require_valid(certificate: x509.Certificate, now: datetime, grace: timedelta) -> None:
    if now < certificate.not_valid_before_utc:
        raise CertificateExpiredError(
            f"the certificate is valid only from {certificate.not_valid_before_utc:%F %T} UTC"
        )
    if now > certificate.not_valid_after_utc + grace:
        raise CertificateExpiredError(f"the certificate ended on {certificate.not_valid_after_utc:%F %T} UTC")


def _names(leaf: x509.Certificate) -> tuple[UUID, UUID]:
    try:
        extensions = leaf.extensions
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        names = list(extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError) as error:
        raise ForeignIdentityError(
            "the certificate is not that of an agent (no names or no usage)"
        ) from error
    if ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
        raise ForeignIdentityError("the certificate is not for clients")
    if len(names) != 1 or not isinstance(names[0], x509.UniformResourceIdentifier):
        raise ForeignIdentityError("the certificate must have exactly one name, the URI of an agent")
    try:
        return parse_agent_uri(names[0].value)
    except ValueError as error:
        raise ForeignIdentityError("the name in the certificate is not that of an agent") from error
