"""Issuing leaf certificates: of agents (from a request), of servers and of services (key made here)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sbs_protocol.identifiers import agent_uri
from sbs_server.kit.pki.authority import (
    BACKDATE,
    CertificateAuthority,
    authority_key_identifier,
    key_usage,
    to_pem,
)
from sbs_server.kit.pki.errors import CsrRefusedError
from sbs_server.kit.pki.identity import serial_hex

AGENT_LIFETIME = timedelta(days=90)
SERVER_LIFETIME = timedelta(days=90)
# A request with one P-256 key has about 500 bytes, one with RSA 4096 about 1,700.
MAX_CSR_BYTES = 16 * 1024

_PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A new certificate. `chain_pem` is leaf first, then the issuing CA; `serial` lower-case hex."""

    certificate: x509.Certificate
    chain_pem: str
    serial: str
    not_before: datetime
    not_after: datetime


def issue_agent_certificate(
    ca: CertificateAuthority,
    csr_pem: str | bytes,
    *,
    organization_id: UUID,
    agent_id: UUID,
    now: datetime | None = None,
    lifetime: timedelta = AGENT_LIFETIME,
) -> IssuedCertificate:
    """Issue the certificate of an agent for the key in `csr_pem`; every name in the request is ignored.

    `now` is the time it is counted from (aware; default: the clock), `lifetime` at most what the CA has left.
    The key may be P-256, P-384 or RSA of 2048 to 4096 bits. Errors: CsrRefusedError.
    """
    key = _accepted_key(_load_csr(csr_pem))
    uri = x509.SubjectAlternativeName(
        [x509.UniformResourceIdentifier(agent_uri(organization_id, agent_id))],
    )
    return _issue(
        ca,
        key,
        common_name=agent_id.hex,
        san=uri,
        usage=ExtendedKeyUsageOID.CLIENT_AUTH,
        now=now,
        lifetime=lifetime,
    )


def issue_server_certificate(
    ca: CertificateAuthority,
    names: Sequence[str],
    *,
    now: datetime | None = None,
    lifetime: timedelta = SERVER_LIFETIME,
) -> tuple[IssuedCertificate, ec.EllipticCurvePrivateKey]:
    """A server certificate for `names` (host names and IP addresses; the first is the common name)."""
    key = ec.generate_private_key(ec.SECP256R1())
    san = x509.SubjectAlternativeName([_general_name(name) for name in names])
    usage = ExtendedKeyUsageOID.SERVER_AUTH
    public = key.public_key()
    return _issue(ca, public, common_name=names[0], san=san, usage=usage, now=now, lifetime=lifetime), key


def issue_service_certificate(
    ca: CertificateAuthority, role: str, *, now: datetime | None = None, lifetime: timedelta = SERVER_LIFETIME
) -> tuple[IssuedCertificate, ec.EllipticCurvePrivateKey]:
    """The client certificate of the CP role `role`, SAN URI `spiffe://sbs/service/<role>`."""
    key = ec.generate_private_key(ec.SECP256R1())
    san = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(f"spiffe://sbs/service/{role}")])
    usage = ExtendedKeyUsageOID.CLIENT_AUTH
    public = key.public_key()
    return _issue(ca, public, common_name=role, san=san, usage=usage, now=now, lifetime=lifetime), key


def _issue(
    ca: CertificateAuthority,
    key: _PublicKey,
    *,
    common_name: str,
    san: x509.SubjectAlternativeName,
    usage: x509.ObjectIdentifier,
    now: datetime | None,
    lifetime: timedelta,
) -> IssuedCertificate:
    start = (now or datetime.now(UTC)).replace(microsecond=0)
    not_after = min(start + lifetime, ca.certificate.not_valid_after_utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])]))
        .issuer_name(ca.certificate.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - BACKDATE)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(san, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(authority_key_identifier(ca.key), critical=False)
        .sign(ca.key, hashes.SHA256())
    )
    chain = to_pem(certificate) + ca.chain_pem
    return IssuedCertificate(certificate, chain, serial_hex(certificate), start - BACKDATE, not_after)


def _load_csr(csr_pem: str | bytes) -> x509.CertificateSigningRequest:
    data = csr_pem.encode() if isinstance(csr_pem, str) else csr_pem
    if len(data) > MAX_CSR_BYTES:
        raise CsrRefusedError(
            "too_large",
            f"the certificate request has {len(data)} bytes; at most {MAX_CSR_BYTES} are accepted",
        )
    try:
        csr = x509.load_pem_x509_csr(data)
        valid = csr.is_signature_valid
    except InvalidSignature:
        valid = False
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CsrRefusedError("malformed", "not a PEM certificate request (PKCS#10)") from error
    if not valid:
        raise CsrRefusedError("bad_signature", "the certificate request is not signed by the key in it")
    return csr


def _accepted_key(csr: x509.CertificateSigningRequest) -> _PublicKey:
    try:
        key = csr.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CsrRefusedError("malformed", "the key in the certificate request can't be read") from error
    wanted = "use P-256, P-384 or RSA of 2048 to 4096 bits"
    if isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, (ec.SECP256R1, ec.SECP384R1)):
            raise CsrRefusedError("key_type", f"the curve {key.curve.name} is not accepted; {wanted}")
        return key
    if isinstance(key, rsa.RSAPublicKey):
        if not 2048 <= key.key_size <= 4096:
            raise CsrRefusedError("key_size", f"an RSA key of {key.key_size} bits is not accepted; {wanted}")
        return key
    raise CsrRefusedError("key_type", f"keys of this type are not accepted; {wanted}")


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
