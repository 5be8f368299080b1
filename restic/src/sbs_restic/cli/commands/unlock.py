"""`restic unlock`: remove locks that nobody holds any more."""

import asyncio

from sbs_restic.cli.invocation import Invocation, on_repository
from sbs_restic.cli.process import Runner, ensure_ok
from sbs_restic.cli.repository import Repository


def build_args(repository: Repository, *, remove_all: bool = False) -> Invocation:
    """Give the invocation. remove_all: also locks that are held; only when nobody can be at work."""
    return on_repository(repository, "unlock", options=("--remove-all",) if remove_all else ())


async def run(
    runner: Runner, repository: Repository, *, remove_all: bool = False, stop: asyncio.Event | None = None
) -> None:
    """Remove stale locks: older than 30 minutes, or of a process of this machine that has ended."""
    ensure_ok(await runner.run(build_args(repository, remove_all=remove_all), stop=stop))
