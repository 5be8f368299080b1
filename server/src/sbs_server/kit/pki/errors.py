"""What can be wrong with certificates.

The tree:

    PkiError
    ├── CertificateFileError         a file of the CA is missing, unreadable or does not belong to its key
    ├── CsrRefusedError              a certificate request that is not issued (`problem` says why)
    └── CertificateRefusedError      a presented certificate that is not believed
        ├── UnknownIssuerError       not signed by one of the trusted CAs
        ├── CertificateExpiredError  not valid now
        └── ForeignIdentityError     signed by us, but its names are not those of an agent
"""

from __future__ import annotations

from typing import ClassVar, Literal

CsrProblem = Literal["malformed", "too_large", "bad_signature", "key_type", "key_size"]


class PkiError(Exception):
    """Base of everything this package raises."""

    code: ClassVar[str] = "pki"


class CertificateFileError(PkiError):
    """A file of the CA can't be used; the message names it."""

    code = "certificate_file"


class CsrRefusedError(PkiError):
    """A certificate request that is not issued; asking again with the same one does not help."""

    code = "csr_refused"

    def __init__(self, problem: CsrProblem, message: str) -> None:
        super().__init__(message)
        self.problem: CsrProblem = problem


class CertificateRefusedError(PkiError):
    """A presented certificate that is not believed."""

    code = "certificate_refused"


class UnknownIssuerError(CertificateRefusedError):
    """Not issued by one of the trusted CAs."""

    code = "certificate_issuer"


class CertificateExpiredError(CertificateRefusedError):
    """Outside its period of validity."""

    code = "certificate_expired"


class ForeignIdentityError(CertificateRefusedError):
    """Signed by a trusted CA, but not the certificate of an agent."""

    code = "certificate_identity"
