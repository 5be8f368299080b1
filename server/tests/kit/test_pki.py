"""The CA: what it issues, and whom it believes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store

from sbs_server.kit.pki import (
    CertificateAuthority,
    CertificateExpiredError,
    CertificateFileError,
    CertificateRefusedError,
    CsrRefusedError,
    ForeignIdentityError,
    IssuedCertificate,
    UnknownIssuerError,
    certificates_from_header,
    issue_agent_certificate,
    load_ca,
    parse_agent_identity,
    spki_sha256,
)
from sbs_server.kit.pki.authority import create_issuing, create_root, key_to_pem, to_pem
from sbs_server.kit.pki.issue import issue_server_certificate, issue_service_certificate

NOW = datetime.now(UTC)
ORGANIZATION, AGENT = uuid4(), uuid4()
ROOT = create_root(NOW)
AGENT_CA = create_issuing("SBS agent CA", ROOT, NOW)
SERVICE_CA = create_issuing("SBS service CA", ROOT, NOW)
TRUSTED = [AGENT_CA.certificate]

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def request(key: Key | None = None, *names: x509.GeneralName) -> bytes:
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "administrator")])
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM)


def issue(
    csr: bytes | None = None, ca: CertificateAuthority = AGENT_CA, **options: timedelta
) -> IssuedCertificate:
    return issue_agent_certificate(
        ca, csr or request(), organization_id=ORGANIZATION, agent_id=AGENT, now=NOW, **options
    )


def forged(
    san: list[x509.GeneralName], usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH
) -> bytes:
    """A certificate that the agent CA really signed, with names it never issues."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(AGENT_CA.certificate.subject)
        .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(san), critical=False)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    )
    return builder.sign(AGENT_CA.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def uri(text: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(text)


def test_an_agent_certificate_names_its_organization_and_agent() -> None:
    issued = issue()
    identity = parse_agent_identity(issued.certificate, TRUSTED)
    assert (identity.organization_id, identity.agent_id) == (ORGANIZATION, AGENT)
    assert identity.serial == issued.serial == f"{issued.certificate.serial_number:x}"
    assert identity.not_after == issued.not_after


def test_an_agent_certificate_is_valid_for_90_days_and_begins_48_hours_back() -> None:
    issued = issue()
    start = NOW.replace(microsecond=0)
    assert issued.certificate.not_valid_before_utc == start - timedelta(hours=48)
    assert issued.certificate.not_valid_after_utc == start + timedelta(days=90)


def test_names_in_the_request_are_ignored() -> None:
    foreign = uri(f"spiffe://sbs/org/{UUID(int=1).hex}/agent/{UUID(int=2).hex}")
    issued = issue(request(None, foreign, x509.DNSName("localhost")))
    san = issued.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.value for name in san] == [f"spiffe://sbs/org/{ORGANIZATION.hex}/agent/{AGENT.hex}"]
    assert "administrator" not in issued.certificate.subject.rfc4514_string()


def test_the_chain_is_leaf_then_agent_ca_and_leads_to_the_root() -> None:
    leaf, authority = x509.load_pem_x509_certificates(issue().chain_pem.encode())
    verifier = PolicyBuilder().store(Store([ROOT.certificate])).time(NOW).build_client_verifier()
    assert verifier.verify(leaf, [authority]).chain[-1] == ROOT.certificate


def test_a_server_certificate_passes_the_strict_checks_of_clients() -> None:
    issued, _ = issue_server_certificate(SERVICE_CA, ["localhost", "127.0.0.1", "::1"])
    leaf, authority = x509.load_pem_x509_certificates(issued.chain_pem.encode())
    builder = PolicyBuilder().store(Store([ROOT.certificate])).time(NOW)
    assert builder.build_server_verifier(x509.DNSName("localhost")).verify(leaf, [authority])


def test_a_certificate_never_outlives_its_ca() -> None:
    assert issue(lifetime=timedelta(days=99999)).not_after == AGENT_CA.certificate.not_valid_after_utc


@pytest.mark.parametrize(
    "make", [lambda: ec.generate_private_key(ec.SECP384R1()), lambda: rsa.generate_private_key(65537, 2048)]
)
def test_other_good_keys_are_accepted(make: Callable[[], Key]) -> None:
    assert parse_agent_identity(issue(request(make())).certificate, TRUSTED).agent_id == AGENT


def tampered() -> bytes:
    der = bytearray(x509.load_pem_x509_csr(request()).public_bytes(serialization.Encoding.DER))
    position = der.find(b"administrator")
    der[position] ^= 1
    return (
        b"-----BEGIN CERTIFICATE REQUEST-----\n"
        + base64.encodebytes(der)
        + b"-----END CERTIFICATE REQUEST-----\n"
    )


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (tampered, "bad_signature"),
        (lambda: b"no request", "malformed"),
        (
            lambda: b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
            "malformed",
        ),
        (lambda: request() + b" " * 20000, "too_large"),
        (lambda: request(rsa.generate_private_key(65537, 1024)), "key_size"),
        (lambda: request(ec.generate_private_key(ec.SECP256K1())), "key_type"),
        (lambda: request(ed25519.Ed25519PrivateKey.generate()), "key_type"),
    ],
)
def test_a_bad_request_is_refused_with_the_reason(make: Callable[[], bytes], problem: str) -> None:
    with pytest.raises(CsrRefusedError) as caught:
        issue(make())
    assert caught.value.problem == problem


def test_a_certificate_of_another_installation_is_refused() -> None:
    other = create_issuing("SBS agent CA", create_root(NOW), NOW)
    with pytest.raises(UnknownIssuerError):
        parse_agent_identity(issue(ca=other).certificate, TRUSTED)


def test_a_service_certificate_is_no_agent() -> None:
    issued, _ = issue_service_certificate(SERVICE_CA, "bus")
    with pytest.raises(UnknownIssuerError):
        parse_agent_identity(issued.certificate, TRUSTED)


@pytest.mark.parametrize("days", [91, -3])
def test_a_certificate_is_refused_outside_its_time(days: int) -> None:
    with pytest.raises(CertificateExpiredError):
        parse_agent_identity(issue().certificate, TRUSTED, now=NOW + timedelta(days=days))


def test_an_expired_certificate_is_believed_within_the_window_that_a_renewal_has() -> None:
    later, window = NOW + timedelta(days=95), timedelta(days=10)
    parse_agent_identity(issue().certificate, TRUSTED, now=later, expired_for_at_most=window)
    with pytest.raises(CertificateExpiredError):
        parse_agent_identity(issue().certificate, TRUSTED, now=later + window, expired_for_at_most=window)


@pytest.mark.parametrize(
    "san",
    [
        [uri(f"spiffe://other/org/{ORGANIZATION.hex}/agent/{AGENT.hex}")],
        [uri(f"spiffe://sbs/org/{ORGANIZATION.hex}/agent/{AGENT.hex}/more")],
        [uri(f"spiffe://sbs/org/{ORGANIZATION.hex.upper()}/agent/{AGENT.hex}")],
        [uri("spiffe://sbs/service/bus")],
        [x509.DNSName("localhost")],
        [uri(f"spiffe://sbs/org/{ORGANIZATION.hex}/agent/{AGENT.hex}"), x509.DNSName("localhost")],
    ],
)
def test_foreign_names_are_refused_even_when_signed_by_the_agent_ca(san: list[x509.GeneralName]) -> None:
    with pytest.raises(ForeignIdentityError):
        parse_agent_identity(forged(san), TRUSTED)


def test_a_server_certificate_of_the_agent_ca_is_refused() -> None:
    name = uri(f"spiffe://sbs/org/{ORGANIZATION.hex}/agent/{AGENT.hex}")
    with pytest.raises(ForeignIdentityError):
        parse_agent_identity(forged([name], ExtendedKeyUsageOID.SERVER_AUTH), TRUSTED)


def test_what_is_no_certificate_is_refused() -> None:
    for junk in (b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "text"):
        with pytest.raises(CertificateRefusedError):
            parse_agent_identity(junk, TRUSTED)


def test_the_forwarded_header_is_read_leaf_first() -> None:
    leaf = issue().certificate
    parts = [
        base64.b64encode(one.public_bytes(serialization.Encoding.DER)) for one in (leaf, AGENT_CA.certificate)
    ]
    assert certificates_from_header(b",".join(parts).decode()) == [leaf, AGENT_CA.certificate]
    with pytest.raises(CertificateRefusedError):
        certificates_from_header("AAAA")


def test_the_hash_of_a_key_is_that_of_its_subject_public_key_info() -> None:
    der = ROOT.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert spki_sha256(ROOT.certificate) == hashlib.sha256(der).digest()


def test_a_ca_is_loaded_from_its_files_and_its_key_must_fit(tmp_path: Path) -> None:
    certificate, key = tmp_path / "ca.crt", tmp_path / "ca.key"
    certificate.write_text(to_pem(AGENT_CA.certificate))
    key.write_bytes(key_to_pem(AGENT_CA.key))
    assert load_ca(certificate, key).certificate == AGENT_CA.certificate
    key.write_bytes(key_to_pem(SERVICE_CA.key))
    with pytest.raises(CertificateFileError, match="is not the key of"):
        load_ca(certificate, key)
    with pytest.raises(CertificateFileError, match="No such file"):
        load_ca(tmp_path / "none", key)
    certificate.write_text(to_pem(issue_server_certificate(SERVICE_CA, ["localhost"])[0].certificate))
    with pytest.raises(CertificateFileError, match="is not the key of"):
        load_ca(certificate, key)


def test_a_leaf_is_no_ca(tmp_path: Path) -> None:
    issued, private = issue_server_certificate(SERVICE_CA, ["localhost"])
    (tmp_path / "crt").write_text(issued.chain_pem)
    (tmp_path / "key").write_bytes(key_to_pem(private))
    with pytest.raises(CertificateFileError, match="not the certificate of a CA"):
        load_ca(tmp_path / "crt", tmp_path / "key")
