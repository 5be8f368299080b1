"""`restic cat config`: is there a repository that this password opens, and which one is it."""

import asyncio

from sbs_restic.cli.invocation import Invocation, on_repository
from sbs_restic.cli.messages import RepositoryConfig
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository


def build_args(repository: Repository) -> Invocation:
    """Give the invocation. Without a lock: the config never changes."""
    return on_repository(repository, "cat", options=("--no-lock",), operands=("config",))


async def run(
    runner: Runner, repository: Repository, *, stop: asyncio.Event | None = None
) -> RepositoryConfig:
    """Give the repository's config. Raises RepositoryMissingError, WrongPasswordError, ResticFailedError."""
    return await runner.document(build_args(repository), RepositoryConfig, stop=stop)
