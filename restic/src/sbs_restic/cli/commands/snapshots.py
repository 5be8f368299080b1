"""`restic snapshots`: what a repository holds."""

import asyncio
from collections.abc import Sequence

from sbs_restic.cli.invocation import Invocation, on_repository
from sbs_restic.cli.messages import Snapshot
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository


def build_args(repository: Repository, *, tags: Sequence[str] = (), host: str = "") -> Invocation:
    """Give the invocation. tags: snapshots with all of these."""
    options = [f"--host={host}"] if host else []
    if tags:
        options.append(f"--tag={','.join(tags)}")
    return on_repository(repository, "snapshots", options=options)


async def run(
    runner: Runner,
    repository: Repository,
    *,
    tags: Sequence[str] = (),
    host: str = "",
    stop: asyncio.Event | None = None,
) -> list[Snapshot]:
    """Give the snapshots, oldest first. Raises ResticFailedError."""
    found = await runner.document(build_args(repository, tags=tags, host=host), list[Snapshot], stop=stop)
    return sorted(found, key=lambda snapshot: snapshot.time)
