"""Headers by which Traefik tells our processes who calls; it removes what a client sent under these names."""

INGRESS = "X-Sbs-Ingress"
"""The secret that only the ingress knows: what comes without it came past the ingress."""
CLIENT_CERTIFICATE = "X-Forwarded-Tls-Client-Cert"
"""The client's chain, see `kit.pki.certificates_from_header`."""
CLIENT_CERTIFICATE_INFO = "X-Forwarded-Tls-Client-Cert-Info"
FORWARDED_FOR = "X-Forwarded-For"


def asgi_name(header: str) -> bytes:
    """A header's name as it stands in an ASGI scope."""
    return header.lower().encode("ascii")
