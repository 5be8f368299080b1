"""First trust: which root the server's certificate must come from, taken from the token's hash."""

import hashlib
import hmac
import ssl
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sbs_agent.calls import TIMEOUT, TRUST_PATH, call
from sbs_agent.errors import AgentError, NotTrustedError
from sbs_protocol.enrolment import EnrolmentToken, TrustBundle


def server_address(text: str) -> str:
    """`https://host:port` from what a person types: a host, host:port or https URL.

    Raises:
        AgentError: another scheme, no host, a path.
    """
    url = text.strip().rstrip("/")
    parts = urlsplit(url if "://" in url else f"https://{url}")
    try:
        fits = (
            parts.scheme == "https" and parts.hostname and not (parts.path or parts.query or parts.username)
        )
        _ = parts.port
    except ValueError:
        fits = False
    if not fits:
        raise AgentError(f"{text!r} is not a server's address", "give host, host:port or https://host:port")
    return f"https://{parts.netloc}"


async def fetch_root(server: str, token: EnrolmentToken) -> str:
    """The PEM of the root that the token names. Nothing secret is sent: this connection is not verified yet.

    Raises:
        NotTrustedError: the server does not offer that root.
        ControlPlaneError: it can't be reached, or answers something else.
    """
    async with httpx.AsyncClient(verify=_unverified_tls(), timeout=TIMEOUT) as client:
        bundle = await call(client, "GET", server + TRUST_PATH, None, TrustBundle)
    root = matching_root(bundle.roots_pem, token.root_spki_sha256)
    if root is None:
        raise NotTrustedError(
            f"{server} does not have the root certificate that the token was made for",
            "the connection may be intercepted, or the token is for another server: check the address and the token",
        )
    return root


def matching_root(roots_pem: str, spki_sha256: bytes) -> str | None:
    """The certificate whose public key has this hash; None if there is none or the text holds no certificates."""
    try:
        roots = x509.load_pem_x509_certificates(roots_pem.encode("ascii"))
    except ValueError:  # UnicodeEncodeError too
        return None
    for root in roots:
        spki = root.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if hmac.compare_digest(hashlib.sha256(spki).digest(), spki_sha256):
            return root.public_bytes(Encoding.PEM).decode("ascii")
    return None


def _unverified_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
