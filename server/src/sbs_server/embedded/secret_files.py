"""Secrets that the installation makes for itself, once, on its first start."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable

from sbs_server.embedded.layout import DataDirectory, write_file
from sbs_server.kit.nkeys import NkeyPair

_PASSWORD_BYTES = 32
_DATABASE_ROLES = ("postgres", "sbs_owner", "sbs_app", "sbs_system", "sbs_migrator")


def create_secrets(directory: DataDirectory) -> list[str]:
    """Write every secret that does not exist yet (mode 0600); returns the names of the new ones."""
    made = []
    for name, make in _makers().items():
        path = directory.secrets / name
        if not path.exists():
            write_file(path, make() + "\n", 0o600)
            made.append(name)
    return made


def _makers() -> dict[str, Callable[[], str]]:
    makers: dict[str, Callable[[], str]] = {f"pg_{role}": _password for role in _DATABASE_ROLES}
    makers |= {"valkey": _password, "ingress": _password, "kek": _key}
    makers["nats/issuer.nk"] = lambda: NkeyPair.generate("account").seed
    for user in ("control", "callout", "sys"):
        makers[f"nats/{user}.nk"] = lambda: NkeyPair.generate("user").seed
    return makers


def _password() -> str:
    # Hex: needs quoting in no configuration file, URL or SQL text.
    return secrets.token_hex(_PASSWORD_BYTES)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
