"""What a browser is told along with the console's files."""

# Nothing in the page itself: styles too are files (web/packages/config/theme-css.mjs says how).
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}

SECURITY = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}

# The build puts a hash of the content into the name of everything below assets/.
_HASHED_FOLDER = "assets/"
_YEAR_S = 31_536_000


def caching(path: str) -> str:
    """Cache-Control of the file at `path` (relative to the console's folder)."""
    if path.startswith(_HASHED_FOLDER):
        return f"public, max-age={_YEAR_S}, immutable"
    # Kept, but asked for each time: index.html names the files of the build that is current.
    return "no-cache"
