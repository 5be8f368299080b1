"""The CA and the certificates of the installation on disk: made on the first start, renewed in time."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec

from sbs_server.embedded.errors import DataDirectoryError
from sbs_server.embedded.layout import write_file
from sbs_server.kit.pki.authority import (
    CertificateAuthority,
    create_issuing,
    create_root,
    key_to_pem,
    load_ca,
    load_certificates,
    load_key,
    to_pem,
)
from sbs_server.kit.pki.issue import IssuedCertificate, issue_server_certificate, issue_service_certificate

SERVICES = ("api", "bus", "worker", "gateway", "supervisor")
LOCAL_NAMES = ("localhost", "console.localhost", "portal.localhost", "127.0.0.1", "::1")


def host_names(extra_names: Sequence[str]) -> list[str]:
    """Every host name under which browsers and agents may come, IP addresses left out.

    A domain of the installation stands for itself and its `console.` and `portal.` hosts.
    """
    return [name for name in server_names(extra_names) if not _is_address(name)]


def server_names(extra_names: Sequence[str]) -> list[str]:
    """Every name and address in the server certificate."""
    names = list(LOCAL_NAMES)
    for name in extra_names:
        names += [name] if _is_address(name) else [name, f"console.{name}", f"portal.{name}"]
    return list(dict.fromkeys(names))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def ensure_certificates(
    pki: Path, extra_names: Sequence[str] = (), *, now: datetime | None = None
) -> list[str]:
    """Make what is missing, renew what has used two thirds of its life or lacks a name.

    `extra_names`: the installation's own domains and addresses. Returns the names of what is new.
    Errors: DataDirectoryError (CA files partly there), CertificateFileError.
    """
    moment = now or datetime.now(UTC)
    new = _ensure_authorities(pki, moment)
    service_ca = load_ca(pki / "service-ca.crt", pki / "service-ca.key")
    names = server_names(extra_names)
    if _is_due(pki / "server.crt", pki / "server.key", service_ca, moment, names):
        _write_pair(pki, "server", *issue_server_certificate(service_ca, names, now=moment))
        new.append("server")
    for role in SERVICES:
        folder = pki / "services"
        if _is_due(folder / f"{role}.crt", folder / f"{role}.key", service_ca, moment, []):
            _write_pair(folder, role, *issue_service_certificate(service_ca, role, now=moment))
            new.append(f"services/{role}")
    return new


def _ensure_authorities(pki: Path, now: datetime) -> list[str]:
    names = ("root", "agent-ca", "service-ca")
    files = [pki / f"{name}.{kind}" for name in names for kind in ("crt", "key")]
    missing = [path for path in files if not path.exists()]
    if not missing:
        if not (pki / "trust.pem").exists():
            write_file(pki / "trust.pem", (pki / "root.crt").read_bytes(), 0o644)
        return []
    # The last file of the first start is trust.pem: without it nobody was ever told to trust this CA.
    if len(missing) != len(files) and (pki / "trust.pem").exists():
        raise DataDirectoryError(
            f"{missing[0]} is missing while other files of the CA are there; restore it from a backup "
            f"(removing all of {pki} makes a new CA, which no enrolled agent trusts)"
        )
    _create_authorities(pki, now)
    return ["root", "agent-ca", "service-ca"]


def _create_authorities(pki: Path, now: datetime) -> None:
    root = create_root(now)
    made = {
        "root": root,
        "agent-ca": create_issuing("SBS agent CA", root, now),
        "service-ca": create_issuing("SBS service CA", root, now),
    }
    for name, authority in made.items():
        write_file(pki / f"{name}.key", key_to_pem(authority.key), 0o600)
        write_file(pki / f"{name}.crt", to_pem(authority.certificate), 0o644)
    write_file(pki / "trust.pem", to_pem(root.certificate), 0o644)


def _is_due(
    certificate: Path, key: Path, ca: CertificateAuthority, now: datetime, names: Sequence[str]
) -> bool:
    if not certificate.exists() or not key.exists():
        return True
    leaf = load_certificates(certificate)[0]
    # A start that was interrupted between the two files leaves a key that is not the certificate's.
    if leaf.public_key() != load_key(key).public_key() or not _issued_by(leaf, ca):
        return True
    if names and _names(leaf) != set(names):
        return True
    start, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    return now >= start + (end - start) * 2 / 3


def _issued_by(leaf: x509.Certificate, ca: CertificateAuthority) -> bool:
    try:
        leaf.verify_directly_issued_by(ca.certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _names(certificate: x509.Certificate) -> set[str]:
    san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in san}


def _write_pair(folder: Path, name: str, issued: IssuedCertificate, key: ec.EllipticCurvePrivateKey) -> None:
    write_file(folder / f"{name}.key", key_to_pem(key), 0o600)
    write_file(folder / f"{name}.crt", issued.chain_pem, 0o644)
