"""`restic key add`: let a second password open a repository."""

import asyncio
import re
from typing import Final

from pydantic import SecretStr

from sbs_restic.cli.errors import UnexpectedOutputError
from sbs_restic.cli.invocation import Invocation, on_repository
from sbs_restic.cli.process import Runner, ensure_ok
from sbs_restic.cli.repository import Repository
from sbs_restic.cli.streams import Collected

_KEY_ID: Final = re.compile(rb"\b[0-9a-f]{64}\b")


def build_args(
    repository: Repository, new_password: SecretStr, *, user: str = "", host: str = ""
) -> Invocation:
    """Give the invocation. user, host: who the key is for, kept in it in clear; empty is who runs restic."""
    options = [f"--user={user}"] if user else []
    if host:
        options.append(f"--host={host}")
    return on_repository(
        repository, "key", "add", options=options, secrets=(("--new-password-file", new_password),)
    )


async def run(
    runner: Runner,
    repository: Repository,
    new_password: SecretStr,
    *,
    user: str = "",
    host: str = "",
    stop: asyncio.Event | None = None,
) -> str:
    """Add a key and give its id (64 hex digits). Raises ResticFailedError, UnexpectedOutputError."""
    printed = Collected()
    invocation = build_args(repository, new_password, user=user, host=host)
    ensure_ok(await runner.run(invocation, stdout=printed, stop=stop))
    # 0.18 has no JSON for this: it prints a sentence with the id.
    found = _KEY_ID.search(printed.data)
    if found is None:
        raise UnexpectedOutputError("restic key add succeeded without naming the new key: list the keys")
    return found[0].decode("ascii")
