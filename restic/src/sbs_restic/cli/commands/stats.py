"""`restic stats --mode raw-data`: how much a repository takes."""

import asyncio

from sbs_restic.cli.invocation import Invocation, on_repository
from sbs_restic.cli.messages import RawDataStats
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository


def build_args(repository: Repository) -> Invocation:
    """Give the invocation."""
    return on_repository(repository, "stats", options=("--mode=raw-data",))


async def run(runner: Runner, repository: Repository, *, stop: asyncio.Event | None = None) -> RawDataStats:
    """Give the size of all data that snapshots refer to, each piece once. Raises ResticFailedError."""
    return await runner.document(build_args(repository), RawDataStats, stop=stop)
