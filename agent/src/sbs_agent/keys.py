"""The agent's key pair, its certificate, and the TLS contexts made from them."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sbs_agent.config import StateDirectory
from sbs_agent.errors import StateDamagedError
from sbs_agent.files import write_atomically

NATS_ALPN = "nats"
"""Lets an ingress route NATS by ALPN on a port shared with HTTPS; NATS itself ignores it."""


@dataclass(frozen=True, slots=True)
class PendingKey:
    """A key and its request, on disk before they are sent, so that a repeated call sends the same request."""

    key_pem: bytes
    csr_pem: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """The agent's certificate in force."""

    not_before: datetime
    not_after: datetime
    uris: tuple[str, ...]
    public_key: bytes  # SubjectPublicKeyInfo, DER

    @property
    def renew_from(self) -> datetime:
        """Two thirds of its life."""
        return self.not_before + (self.not_after - self.not_before) * 2 / 3

    def expired(self, now: datetime) -> bool:
        return now >= self.not_after


def pending_key(state: StateDirectory, purpose: str) -> PendingKey:
    """The key of an unfinished `purpose` (`enrol`, `renew`), or a new one, saved."""
    key_file, csr_file = state.pending / f"{purpose}.key", state.pending / f"{purpose}.csr"
    if key_file.exists() and csr_file.exists():
        return PendingKey(key_file.read_bytes(), csr_file.read_text("ascii"))
    made = _new_key()
    write_atomically(key_file, made.key_pem)
    write_atomically(csr_file, made.csr_pem.encode())
    return made


def forget_pending(state: StateDirectory, purpose: str) -> None:
    for suffix in ("csr", "key"):
        (state.pending / f"{purpose}.{suffix}").unlink(missing_ok=True)


def _new_key() -> PendingKey:
    key = ec.generate_private_key(ec.SECP256R1())
    # The control plane ignores the name; a CSR has to have one.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sbs-agent")])
    csr = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return PendingKey(key_pem, csr.public_bytes(serialization.Encoding.PEM).decode("ascii"))


def read_leaf(chain_pem: bytes, where: str) -> Leaf:
    """The first certificate of a PEM chain.

    Raises:
        StateDamagedError: there is none; `where` says whose mistake it is.
    """
    try:
        certificate = x509.load_pem_x509_certificates(chain_pem)[0]
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = tuple(names.get_values_for_type(x509.UniformResourceIdentifier))
    except x509.ExtensionNotFound:
        uris = ()
    except (ValueError, IndexError) as error:
        raise StateDamagedError(f"no certificate in {where}", "enrol again with --force") from error
    return Leaf(
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        uris,
        _spki(certificate.public_key()),
    )


def key_fits(key_pem: bytes, leaf: Leaf) -> bool:
    """Whether the private key in this PEM (a combined one too) is the certificate's."""
    try:
        key = serialization.load_pem_private_key(_only_key(key_pem), password=None)
    except ValueError:
        return False
    return _spki(key.public_key()) == leaf.public_key


def _only_key(pem: bytes) -> bytes:
    start = pem.find(b"-----BEGIN PRIVATE KEY-----")
    return pem[start:] if start >= 0 else b""


def _spki(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise StateDamagedError(
            "the certificate's key is not an elliptic-curve key", "enrol again with --force"
        )
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def mutual_tls(state: StateDirectory, *, alpn: str | None = None) -> ssl.SSLContext:
    """A client context with the agent's certificate, trusting only the saved roots.

    Raises:
        StateDamagedError: a file is missing or is not what it should be.
    """
    try:
        context = verified_tls(state.roots_file.read_text("ascii"))
        context.load_cert_chain(state.certificate_file)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise StateDamagedError(
            f"certificate, key or roots in {state.path} cannot be used ({error})", "enrol again with --force"
        ) from error
    if alpn is not None:
        context.set_alpn_protocols([alpn])
    return context


def verified_tls(roots_pem: str) -> ssl.SSLContext:
    """A client context that trusts these roots and nothing else. Raises `ssl.SSLError`, `ValueError`."""
    context = ssl.create_default_context(cadata=roots_pem)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def save_certificate(file: Path, chain_pem: str, key_pem: bytes) -> None:
    write_atomically(file, chain_pem.rstrip().encode("ascii") + b"\n" + key_pem)


def utc_now() -> datetime:
    return datetime.now(UTC)
