"""Certificate authorities: making them and loading them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sbs_server.kit.pki.errors import CertificateFileError

# Clocks of machines are wrong by hours more often than one would think; certificates begin that much earlier.
BACKDATE = timedelta(hours=48)
CA_LIFETIME = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class CertificateAuthority:
    """A CA that can sign. `chain` is what to send after a leaf: this CA's certificate, without the root."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def chain_pem(self) -> str:
        """This CA's certificate as PEM."""
        return to_pem(self.certificate)

    def __repr__(self) -> str:
        return f"CertificateAuthority({self.certificate.subject.rfc4514_string()!r})"


def create_root(now: datetime) -> CertificateAuthority:
    """A new self-signed root; `pathlen` 1: issuing CAs below it, and nothing below those."""
    key = ec.generate_private_key(ec.SECP256R1())
    return CertificateAuthority(_ca_certificate("SBS root CA", key, None, 1, now), key)


def create_issuing(name: str, root: CertificateAuthority, now: datetime) -> CertificateAuthority:
    """A new CA called `name` below `root`, that may issue leaves only; it ends when the root ends."""
    key = ec.generate_private_key(ec.SECP256R1())
    return CertificateAuthority(_ca_certificate(name, key, root, 0, now), key)


def _ca_certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    parent: CertificateAuthority | None,
    path_length: int,
    now: datetime,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = parent.certificate.subject if parent else subject
    signing_key = parent.key if parent else key
    not_after = parent.certificate.not_valid_after_utc if parent else now + CA_LIFETIME
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(key_usage(ca=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(authority_key_identifier(signing_key), critical=False)
        .sign(signing_key, hashes.SHA256())
    )


def key_usage(*, ca: bool) -> x509.KeyUsage:
    """Key usage of a CA (signs certificates and CRLs) or of a leaf (signs handshakes)."""
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def authority_key_identifier(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    """The identifier that ties a certificate to `key`, its issuer's."""
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def load_ca(certificate: Path, key: Path) -> CertificateAuthority:
    """Load an issuing CA from its two PEM files.

    Errors: CertificateFileError if a file is missing, is not PEM, the two don't belong together, or the
    certificate is not a CA's or has ended.
    """
    loaded = load_certificates(certificate)[0]
    private = load_key(key)
    if loaded.public_key() != private.public_key():
        raise CertificateFileError(f"{key} is not the key of the certificate {certificate}")
    _require_usable_ca(loaded, certificate)
    return CertificateAuthority(loaded, private)


def load_certificates(path: Path) -> list[x509.Certificate]:
    """All certificates of a PEM file, at least one. Errors: CertificateFileError."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise CertificateFileError(f"certificate file {path}: {error.strerror}") from error
    except ValueError as error:
        raise CertificateFileError(f"{path} holds no PEM certificate") from error


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The private key in a PEM file. Errors: CertificateFileError."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise CertificateFileError(f"key file {path}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateFileError(f"{path} holds no unencrypted PEM private key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateFileError(f"{path} is not an elliptic-curve key; a CA of SBS has a P-256 key")
    return key


def _require_usable_ca(certificate: x509.Certificate, path: Path) -> None:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound as error:
        raise CertificateFileError(f"{path} is not the certificate of a CA") from error
    if not constraints.ca:
        raise CertificateFileError(f"{path} is not the certificate of a CA")
    if certificate.not_valid_after_utc <= datetime.now(UTC):
        raise CertificateFileError(f"the CA certificate {path} ended on {certificate.not_valid_after_utc:%F}")


def to_pem(certificate: x509.Certificate) -> str:
    """A certificate as PEM text."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def key_to_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as unencrypted PKCS#8 PEM: for files of mode 0600 only."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
