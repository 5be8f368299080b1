"""Who is signed in, between two calls: one file, readable by its owner alone."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from platformdirs import user_config_path

from sbs_server.cli.errors import NotSignedInError


@dataclass(frozen=True, slots=True)
class Session:
    """`cookie` and `csrf_token` are as good as a password while the session lives."""

    url: str
    ca_file: str | None
    organization_id: str
    organization_name: str
    email: str
    cookie: str = field(repr=False)
    csrf_token: str = field(repr=False)


def default_file() -> Path:
    return user_config_path("sbs") / "session.json"


def load(file: Path) -> Session:
    """Raises `NotSignedInError`."""
    try:
        return Session(**json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise NotSignedInError("nobody is signed in: run `sbs login`") from error


def save(file: Path, session: Session) -> None:
    """Written whole or not at all, mode 0600."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as writer:
        json.dump(asdict(session), writer)
    fresh.replace(file)


def forget(file: Path) -> None:
    file.unlink(missing_ok=True)
