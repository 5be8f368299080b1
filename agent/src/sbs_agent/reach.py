"""Why a connection failed, in one sentence with what to do. Decided on error types and codes, never on texts."""

import asyncio
import errno
import re
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

from sbs_agent.errors import (
    CertificateRefusedError,
    ControlPlaneError,
    NotTrustedError,
    UnreachableError,
)

# X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED, openssl/x509_vfy.h
_VALIDITY_CODES = {9, 10}
# X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_NAME_CODES = {62, 64}
# What OpenSSL makes of an answer that is no TLS.
_NOT_TLS = {
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "PACKET_LENGTH_TOO_LONG",
}
_CLOSED = {"APPLICATION_DATA_AFTER_CLOSE_NOTIFY", "UNEXPECTED_EOF_WHILE_READING"}
_RIGHT_ADDRESS = "the control plane's address for agents"
_CLOSED_TODO = (
    f"check that this is {_RIGHT_ADDRESS}; if it is, it is starting or refuses this machine: try again, then ask the"
    " administrator"
)
# Numbers of the system, why that is, and what would be right; the first that fits counts.
_REASONS = (
    (
        {errno.ECONNREFUSED},
        "it refuses connections, so nothing listens there",
        f"check host and port ({_RIGHT_ADDRESS}), and that it runs",
    ),
    (
        {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL},
        "this machine has no way to it",
        "check this machine's network (cable, VPN, routes) and the address",
    ),
    (
        {errno.EACCES, errno.EPERM},
        "this machine does not let the agent connect",
        "check this machine's firewall and the sandbox of the agent's service",
    ),
    (
        {errno.ETIMEDOUT},
        "it does not answer in time",
        "check the network, proxies and firewalls",
    ),
)
_NUMBER = re.compile(r"\[Errno (\d+)\]")
_SILENCE_SECONDS = 1.0
# How OpenSSL says "later" on a socket that does not block; they stay in the context of the real error.
_NOT_FAILURES = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
# The TLS alerts (RFC 8446, 6.2) by which a server refuses a client's certificate, as OpenSSL names them.
_REFUSALS = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")


def explain(error: BaseException, where: str) -> ControlPlaneError:
    """The typed error behind what a socket, TLS or HTTP library raised; `where` is the URL that was asked for."""
    address = address_of(where)
    causes = [cause for cause in _causes(error) if not isinstance(cause, _NOT_FAILURES)]
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _not_trusted(cause, address)
        if isinstance(cause, ssl.SSLError):
            return _tls_failed(cause, address)
        if isinstance(cause, socket.gaierror):
            return UnreachableError(
                f"{address} cannot be reached: its name cannot be resolved ({cause.strerror})",
                "check the spelling and this machine's DNS",
            )
    return _unreachable(causes, address)


def address_of(url: str) -> str:
    """Scheme, host and port: what a person has to check."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else url


def _unreachable(causes: list[BaseException], address: str) -> UnreachableError:
    numbers = {number for cause in causes for number in _error_numbers(cause)}
    for these, reason, todo in _REASONS:
        if numbers & these:
            return UnreachableError(f"{address} cannot be reached: {reason}", todo)
    if any(isinstance(c, TimeoutError | asyncio.TimeoutError | httpx.TimeoutException) for c in causes):
        return UnreachableError(
            f"{address} cannot be reached: it does not answer in time",
            "check the network, proxies and firewalls",
        )
    if any(isinstance(c, ConnectionError | EOFError) for c in causes):
        return UnreachableError(f"{address} closed the connection before it let this agent in", _CLOSED_TODO)
    if any(isinstance(c, httpx.RemoteProtocolError) for c in causes):
        return UnreachableError(
            f"{address} closed the connection before its answer was complete", _CLOSED_TODO
        )
    return UnreachableError(
        f"{address} cannot be reached ({_short(causes[0])})", "check the network, then run sbs-agent doctor"
    )


def _error_numbers(cause: BaseException) -> set[int]:
    """The system's error numbers. asyncio before 3.12 tells those of several addresses by a text alone."""
    if not isinstance(cause, OSError):
        return set()
    if cause.errno is not None:
        return {cause.errno}
    return {int(number) for number in _NUMBER.findall(str(cause))}


async def refusal(host: str, port: int, tls: ssl.SSLContext, where: str) -> ControlPlaneError | None:
    """Whether a server refuses our certificate: listens after the handshake, and says nothing.

    In TLS 1.3 the refusal comes after the client's handshake has ended; a client that has sent its request by then
    may get a reset instead of the reason. A server that accepts us is silent, which takes a second to know.
    """
    try:
        reader, writer = await asyncio.open_connection(host, port, ssl=tls, server_hostname=host)
    except OSError as error:
        return explain(error, where)
    try:
        async with asyncio.timeout(_SILENCE_SECONDS):
            await reader.read(1)
    except TimeoutError:
        return None
    except OSError as error:
        return explain(error, where)
    finally:
        writer.transport.abort()
    return None


def _not_trusted(error: ssl.SSLCertVerificationError, where: str) -> ControlPlaneError:
    if error.verify_code in _VALIDITY_CODES:
        return NotTrustedError(
            f"the certificate of {where} is not valid at this machine's time ({error.verify_message})",
            "check the clock of this machine first, then the server's certificate",
        )
    if error.verify_code in _NAME_CODES:
        return NotTrustedError(
            f"the certificate of {where} is for another name ({error.verify_message})",
            "use the address the administrator gave",
        )
    return NotTrustedError(
        f"the certificate of {where} is not from the trusted authority ({error.verify_message})",
        "somebody may be intercepting the connection; ask the administrator before going on",
    )


def _tls_failed(error: ssl.SSLError, where: str) -> ControlPlaneError:
    reason = error.reason or ""
    if "ALERT" in reason and any(word in reason for word in _REFUSALS):
        return CertificateRefusedError(
            f"{where} refuses this machine's certificate ({reason.lower()})",
            "it may be revoked or expired: ask the administrator, then enrol again with --force",
        )
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError) or reason in _CLOSED:
        return UnreachableError(f"{where} closed the connection before it let this agent in", _CLOSED_TODO)
    if reason in _NOT_TLS:
        return UnreachableError(
            f"{where} does not speak TLS: another service listens there", f"give {_RIGHT_ADDRESS}"
        )
    return UnreachableError(
        f"no encrypted connection to {where} could be made ({reason.lower() or error})",
        f"check that this is {_RIGHT_ADDRESS}, and that no proxy breaks the connection open",
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what caused it, and what those caused, groups included."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [current.__cause__, current.__context__]
        waiting += getattr(current, "exceptions", ())


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
