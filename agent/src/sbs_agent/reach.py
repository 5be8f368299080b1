"""Why a connection failed, in one sentence with what to do. Decided on error types and codes, never on texts."""

import asyncio
import socket
import ssl
from collections.abc import Iterator

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
_SILENCE_SECONDS = 1.0
# How OpenSSL says "later" on a socket that does not block; they stay in the context of the real error.
_NOT_FAILURES = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
# The TLS alerts (RFC 8446, 6.2) by which a server refuses a client's certificate, as OpenSSL names them.
_REFUSALS = ("CERTIFICATE", "UNKNOWN_CA", "ACCESS_DENIED")


def explain(error: BaseException, where: str) -> ControlPlaneError:
    """The typed error behind what a socket, TLS or HTTP library raised; `where` is the address as configured."""
    causes = [cause for cause in _causes(error) if not isinstance(cause, _NOT_FAILURES)]
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _not_trusted(cause, where)
        if isinstance(cause, ssl.SSLError):
            return _tls_failed(cause, where)
        if isinstance(cause, socket.gaierror):
            return UnreachableError(
                f"the name in {where} cannot be resolved ({cause.strerror})",
                "check the spelling and this machine's DNS",
            )
    if any(isinstance(c, ConnectionRefusedError) for c in causes):
        return UnreachableError(
            f"{where} refuses connections", "check the port and that the server is running"
        )
    if any(isinstance(c, TimeoutError | asyncio.TimeoutError | httpx.TimeoutException) for c in causes):
        return UnreachableError(
            f"{where} does not answer in time", "check the network, proxies and firewalls"
        )
    return UnreachableError(
        f"the connection to {where} broke off ({_short(error)})",
        "check the network; if it stays so, the server may be refusing this machine: run sbs-agent doctor",
    )


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
    return UnreachableError(
        f"TLS with {where} failed ({reason.lower() or error})", "check that the address and port speak TLS"
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
