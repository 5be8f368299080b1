"""Certificates of agents: issuing them, and knowing whose one is that was presented."""

import hashlib
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sbs_server.config import PkiSettings
from sbs_server.kit.errors import InvalidError, UnauthenticatedError, invalid
from sbs_server.kit.pki import (
    AgentIdentity,
    CertificateRefusedError,
    CsrRefusedError,
    IssuedCertificate,
    certificates_from_header,
    issue_agent_certificate,
    load_ca,
    load_certificates,
    parse_agent_identity,
    spki_sha256,
)
from sbs_server.kit.pki.errors import CsrProblem

_CSR_CODES: dict[CsrProblem, str] = {
    "malformed": "enrolment.csr_malformed",
    "too_large": "enrolment.csr_too_large",
    "bad_signature": "enrolment.csr_bad_signature",
    "key_type": "enrolment.csr_key_type",
    "key_size": "enrolment.csr_key_size",
}


class AgentAuthority:
    """The agent CA and the roots in force, read once: a rotated CA counts from the next start."""

    def __init__(self, pki: PkiSettings) -> None:
        """Errors: `kit.pki.CertificateFileError`, OSError."""
        self._ca = load_ca(pki.agent_ca_certificate, pki.agent_ca_key)
        roots = load_certificates(pki.trust_bundle)
        self.roots_pem = "".join(root.public_bytes(Encoding.PEM).decode("ascii") for root in roots)
        """What agents are told to trust."""
        self.root_sha256 = spki_sha256(load_certificates(pki.root_certificate)[0])
        """What a new enrolment token carries of the root."""
        self._known_roots = {spki_sha256(root) for root in roots}

    def is_ours(self, root_sha256: bytes) -> bool:
        """Whether a token that carries this hash was made here."""
        return root_sha256 in self._known_roots

    def issue(self, csr_pem: str, organization_id: UUID, agent_id: UUID) -> IssuedCertificate:
        """Raises `InvalidError` that says what is wrong with the request, on `/csr_pem`."""
        try:
            return issue_agent_certificate(
                self._ca, csr_pem, organization_id=organization_id, agent_id=agent_id
            )
        except CsrRefusedError as error:
            raise _refused(error.problem) from error

    def identify(self, header: str | None) -> AgentIdentity:
        """Who presented the chain in `X-Forwarded-Tls-Client-Cert`. Raises `UnauthenticatedError`."""
        if not header:
            raise UnauthenticatedError("agent.certificate_missing")
        try:
            return parse_agent_identity(certificates_from_header(header)[0], [self._ca.certificate])
        except CertificateRefusedError as error:
            raise UnauthenticatedError("agent.certificate_refused") from error


def csr_sha256(csr_pem: str) -> bytes:
    """The hash that makes a request for a certificate repeatable. Raises `InvalidError` if it is none."""
    try:
        request = x509.load_pem_x509_csr(csr_pem.encode())
    except ValueError as error:
        raise _refused("malformed") from error
    return hashlib.sha256(request.public_bytes(Encoding.DER)).digest()


def _refused(problem: CsrProblem) -> InvalidError:
    return invalid("/csr_pem", _CSR_CODES[problem])
