"""Why the control plane could not be reached, and what would be right."""

import ssl
from collections.abc import Iterator

from sbs_server.cli.errors import UnreachableError

# OpenSSL's names (`SSLError.reason`): the other side wants a client certificate, as agents have one.
_FOR_AGENTS = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    "TLSV1_ALERT_CERTIFICATE_REQUIRED",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "SSLV3_ALERT_BAD_CERTIFICATE",
}
_NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"}
CONSOLE = "the console's address (https://…:8443 unless it was changed; `sbs up` shows it)"


def unreachable(address: str, error: Exception) -> UnreachableError:
    """One line about `error`, which came while talking to `address` (host:port)."""
    return UnreachableError(f"{address}: {str(error) or type(error).__name__}: {_hint(error)}")


def _hint(error: Exception) -> str:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                "not the certificate that was expected; --ca-file of `sbs login` names the authority to trust"
            )
        if isinstance(cause, ssl.SSLError):
            if cause.reason in _FOR_AGENTS:
                return f"this port is for agents, which have certificates (8444, 8445); give {CONSOLE}"
            if cause.reason in _NO_TLS:
                return f"something else than SBS listens there; give {CONSOLE}"
    return "is the platform up (`sbs status`), and its address right?"


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
