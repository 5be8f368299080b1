"""`restic ls`: one folder of a snapshot."""

import asyncio
from collections.abc import Awaitable, Callable

from sbs_restic.cli.errors import PathNotInSnapshotError
from sbs_restic.cli.invocation import Invocation, on_repository
from sbs_restic.cli.messages import LS, Message, Node, Snapshot
from sbs_restic.cli.patterns import snapshot_path
from sbs_restic.cli.process import Runner, ensure_ok
from sbs_restic.cli.repository import Repository


def build_args(repository: Repository, snapshot: str, folder: str | bytes) -> Invocation:
    """Give the invocation. folder: absolute; not recursive."""
    return on_repository(repository, "ls", operands=(snapshot, snapshot_path(folder)))


async def run(
    runner: Runner,
    repository: Repository,
    snapshot: str,
    folder: str | bytes,
    on_node: Callable[[Node], Awaitable[None] | None],
    *,
    stop: asyncio.Event | None = None,
) -> Snapshot | None:
    """Pass on each entry of the folder as it comes, in order of names, and give the snapshot it is in.

    Names that are not UTF-8 arrive with U+FFFD; two of them may look the same.
    Raises PathNotInSnapshotError when there is no such folder (restic itself does not tell), ResticFailedError.
    """
    path = snapshot_path(folder)
    listing = _Listing(path, on_node)
    ensure_ok(
        await runner.run(build_args(repository, snapshot, path), kinds=LS, on_message=listing.hear, stop=stop)
    )
    if not listing.seen:
        raise PathNotInSnapshotError(f"snapshot {snapshot} has no folder {path!r}")
    return listing.snapshot


class _Listing:
    """Tells the folder itself, which restic prints first, from what is in it."""

    def __init__(self, path: str, on_node: Callable[[Node], Awaitable[None] | None]) -> None:
        self._on_node = on_node
        # The root has no entry of its own; any other folder is the first entry.
        self.seen = path == "/"
        self.snapshot: Snapshot | None = None

    def hear(self, message: Message) -> Awaitable[None] | None:
        if isinstance(message, Snapshot):
            self.snapshot = message
        elif isinstance(message, Node):
            if self.seen:
                return self._on_node(message)
            if message.type != "dir":
                raise PathNotInSnapshotError(f"{message.path!r} is no folder, but of the type {message.type}")
            self.seen = True
        return None
