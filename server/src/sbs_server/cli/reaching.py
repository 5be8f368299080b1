"""Why the control plane could not be reached, in one sentence: what happened where, and what would be right."""

import socket
import ssl
from collections.abc import Iterator

import httpx

from sbs_server.cli.errors import UnreachableError

# OpenSSL's names (`SSLError.reason`): the other side wants a client certificate, as agents have one.
_FOR_AGENTS = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    "TLSV1_ALERT_CERTIFICATE_REQUIRED",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "SSLV3_ALERT_BAD_CERTIFICATE",
}
_NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"}
# X509_V_ERR_… of OpenSSL (`SSLCertVerificationError.verify_code`).
_NOT_NOW = {9, 10}
_OTHER_NAME = {62, 63, 64}
CONSOLE = "the console's address (https://…:8443 unless it was changed; `sbs up` shows it)"
_IS_IT_UP = "is the platform up (`sbs status` on its machine)"


def unreachable(address: str, error: Exception) -> UnreachableError:
    """One sentence about `error`, which came while talking to `address` (host:port)."""
    causes = list(_causes(error))
    said = next((said for cause in causes if (said := _of_the_system(address, cause))), None)
    return UnreachableError(said or _of_http(address, error))


def not_now(address: str, status: int) -> str:
    """One sentence about an answer that says "not now" and is not of SBS itself, but of what stands before it."""
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return f"{address} was asked too often ({status}): try again later"
    return (
        f"{address} answers, but SBS behind it does not ({status}), as while it starts: try again; "
        "`sbs status` on its machine says how it is"
    )


def _of_the_system(address: str, cause: BaseException) -> str | None:
    """What the operating system or OpenSSL said, if it was one of them."""
    if isinstance(cause, ssl.SSLError):
        return _of_tls(address, cause)
    if isinstance(cause, socket.gaierror):
        return f"the name in {address} is not known here (it has no address): is it spelled right? Give {CONSOLE}"
    if isinstance(cause, ConnectionRefusedError):
        return f"nobody listens at {address} (connection refused): {_IS_IT_UP}, and is the port right?"
    if isinstance(cause, ConnectionError):
        return _closed(address)
    return _of_the_network(address, cause) if isinstance(cause, OSError) and cause.errno else None


def _of_the_network(address: str, cause: OSError) -> str:
    if isinstance(cause, TimeoutError):
        return _silent(address)
    reason = (cause.strerror or type(cause).__name__).lower()
    return f"there is no way to {address} ({reason}): check this machine's network"


def _of_tls(address: str, cause: ssl.SSLError) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _not_trusted(address, cause)
    if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return _closed(address)
    if cause.reason in _FOR_AGENTS:
        return f"{address}: this port is for agents, which have certificates (8444, 8445); give {CONSOLE}"
    if cause.reason in _NO_TLS:
        return f"{address}: something else than SBS listens there, it does not speak TLS; give {CONSOLE}"
    reason = (cause.reason or "no reason given").replace("_", " ").lower()
    return f"no TLS connection with {address} came about ({reason}); give {CONSOLE}"


def _not_trusted(address: str, cause: ssl.SSLCertVerificationError) -> str:
    why = cause.verify_message
    if cause.verify_code in _OTHER_NAME:
        return f"the certificate of {address} is for another name ({why}): give the name that it was made for"
    if cause.verify_code in _NOT_NOW:
        return f"the certificate of {address} is not valid now ({why}): check the clock of this machine first"
    return (
        f"the certificate of {address} is not from an authority that is trusted here ({why}): name the authority "
        "with --ca-file of `sbs login` (on the platform's machine it is pki/root.crt in the data directory)"
    )


def _of_http(address: str, error: Exception) -> str:
    """What only httpx knows."""
    if isinstance(error, httpx.ConnectTimeout):
        return _silent(address)
    if isinstance(error, httpx.TimeoutException):
        return f"{address} took the request and did not answer it in time: try again; `sbs status` says how it is"
    if isinstance(error, httpx.ProxyError):
        return (
            f"the proxy on the way to {address} refused ({error}): check the proxy settings of this machine"
        )
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError | httpx.CloseError):
        return _closed(address)
    return f"{address} can't be reached ({type(error).__name__}): {_IS_IT_UP}, and its address right?"


def _silent(address: str) -> str:
    return f"{address} did not answer in time: {_IS_IT_UP}, is the address right, is a firewall between?"


def _closed(address: str) -> str:
    return f"{address} closed the connection before it had answered in full: try again; {_IS_IT_UP}?"


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
