"""The local certificate authority: root -> agent CA and service CA (P-256 throughout).

Shapes are decided here and nowhere else. An agent is the URI of `sbs_protocol.identifiers.agent_uri` in the subject
alternative name, and nothing a certificate request says about names is used.
"""

from sbs_server.kit.pki.authority import CertificateAuthority, load_ca, load_certificates
from sbs_server.kit.pki.errors import (
    CertificateExpiredError,
    CertificateFileError,
    CertificateRefusedError,
    CsrRefusedError,
    ForeignIdentityError,
    PkiError,
    UnknownIssuerError,
)
from sbs_server.kit.pki.identity import (
    AgentIdentity,
    certificates_from_header,
    parse_agent_identity,
    spki_sha256,
)
from sbs_server.kit.pki.issue import IssuedCertificate, issue_agent_certificate

__all__ = [
    "AgentIdentity",
    "CertificateAuthority",
    "CertificateExpiredError",
    "CertificateFileError",
    "CertificateRefusedError",
    "CsrRefusedError",
    "ForeignIdentityError",
    "IssuedCertificate",
    "PkiError",
    "UnknownIssuerError",
    "certificates_from_header",
    "issue_agent_certificate",
    "load_ca",
    "load_certificates",
    "parse_agent_identity",
    "spki_sha256",
]
