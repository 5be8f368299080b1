"""`restic dump`: the contents of one file of a snapshot."""

import asyncio

from sbs_restic.cli.invocation import Invocation, on_repository
from sbs_restic.cli.patterns import snapshot_path
from sbs_restic.cli.process import Runner, ensure_ok
from sbs_restic.cli.repository import Repository
from sbs_restic.cli.streams import Forwarded, Write


def build_args(repository: Repository, snapshot: str, path: str | bytes) -> Invocation:
    """Give the invocation. path: absolute; of a folder, restic gives a tar archive."""
    # Without a lock: a reader that breaks off would leave it behind, and block others.
    return on_repository(repository, "dump", options=("--no-lock",), operands=(snapshot, snapshot_path(path)))


async def run(
    runner: Runner,
    repository: Repository,
    snapshot: str,
    path: str | bytes,
    write: Write,
    *,
    stop: asyncio.Event | None = None,
) -> int:
    """Pass the file's bytes on, chunk by chunk, as fast as `write` takes them, and give their number.

    Raises ResticFailedError (some bytes may have been passed on before), and what `write` raises.
    """
    forwarded = Forwarded(write)
    ensure_ok(await runner.run(build_args(repository, snapshot, path), stdout=forwarded, stop=stop))
    return forwarded.total
