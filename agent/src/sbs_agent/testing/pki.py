"""A certificate authority like the control plane's: a root, and leaves for servers and agents."""
# ruff: noqa: S101 - test code, kept outside of the tests folder

import hashlib
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sbs_protocol.identifiers import agent_uri

Purpose = x509.ObjectIdentifier


class Authority:
    """A self-signed root that issues leaves directly."""

    def __init__(self, name: str = "test root") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        ski = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        self._root = (
            _builder(subject, subject, self._key.public_key(), timedelta(days=-2), timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign=True), critical=True)
            .add_extension(ski, critical=False)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def root_pem(self) -> str:
        return self._root.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def spki_sha256(self) -> bytes:
        spki = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return hashlib.sha256(spki).digest()

    def issue_for_csr(
        self,
        csr_pem: str,
        organization: UUID,
        agent: UUID,
        begin: timedelta = timedelta(hours=-48),
        end: timedelta = timedelta(days=88),
    ) -> str:
        """The leaf's PEM. `begin` and `end` are relative to now."""
        key = x509.load_pem_x509_csr(csr_pem.encode()).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        uri = x509.UniformResourceIdentifier(agent_uri(organization, agent))
        return self._leaf(key, [uri], ExtendedKeyUsageOID.CLIENT_AUTH, begin, end)

    def server_files(
        self, folder: Path, name: str = "server", end: timedelta = timedelta(days=30)
    ) -> tuple[Path, Path]:
        """Certificate and key for localhost, good for clients too (our own bus client uses it)."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        pem = self._leaf(key.public_key(), names, ExtendedKeyUsageOID.SERVER_AUTH, -timedelta(days=5), end)
        crt, key_file = folder / f"{name}.crt", folder / f"{name}.key"
        crt.write_text(pem)
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return crt, key_file

    def _leaf(
        self,
        key: ec.EllipticCurvePublicKey,
        names: list[x509.GeneralName],
        purpose: Purpose,
        begin: timedelta,
        end: timedelta,
    ) -> str:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
        purposes = (
            [purpose, ExtendedKeyUsageOID.CLIENT_AUTH]
            if purpose != ExtendedKeyUsageOID.CLIENT_AUTH
            else [purpose]
        )
        return (
            _builder(subject, self._root.subject, key, begin, end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(_usage(sign=False), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .sign(self._key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
            .decode()
        )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begin: timedelta, end: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begin)
        .not_valid_after(now + end)
    )


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign,
        crl_sign=sign,
        encipher_only=False,
        decipher_only=False,
    )
