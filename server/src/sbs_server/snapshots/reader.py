"""Reading snapshots on the control plane's side, with the restic binary and the CP's own key.

A few restic processes at a time, each with a deadline, none left behind when the reader goes away. They take no
locks: a reader must not stand in the way of a backup.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from pydantic import SecretStr

from sbs_restic.cli import Repository, ResticCliError, Runner
from sbs_restic.cli.commands import dump, ls
from sbs_restic.cli.messages import LS, Message, Node
from sbs_restic.cli.process import ensure_ok
from sbs_server.kit.errors import UnavailableError, invalid
from sbs_server.snapshots.paths import FIELD, unknown_path

log = structlog.get_logger()
# Of 64 KiB: what lies ready while the client takes the one before.
_PIECES_AHEAD = 4


@dataclass(frozen=True, slots=True)
class OpenCopy:
    """What it takes to read one copy of a snapshot."""

    location: str
    password: SecretStr
    restic_snapshot_id: str

    @property
    def repository(self) -> Repository:
        return Repository(location=self.location, password=self.password, no_lock=True)


@dataclass(frozen=True, slots=True)
class Listing:
    """Some entries of a folder; `more` if there are others behind them."""

    nodes: list[Node]
    more: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """At most so many processes at once; seconds to wait for a free one, and for a listing."""

    listings: int = 2
    downloads: int = 4
    queue_s: float = 20.0
    listing_s: float = 120.0


class TruncatedError(Exception):
    """restic gave another number of bytes than the snapshot says the file has."""


class SnapshotReader:
    """Built by the entry point. `make_runner` looks for restic when it is first needed (blocking)."""

    def __init__(self, make_runner: Callable[[], Runner], limits: Limits | None = None) -> None:
        self._make_runner = make_runner
        self._runner: Runner | None = None
        self._limits = limits or Limits()
        self._listings = asyncio.Semaphore(self._limits.listings)
        self._downloads = asyncio.Semaphore(self._limits.downloads)

    async def folder(self, copy: OpenCopy, path: str, after: int, limit: int) -> Listing:
        """Entries of a folder in restic's order (by name), without the first `after`.

        Raises NotFoundError, InvalidError on `query:path`, UnavailableError.
        """
        found = _Folder(path, after, limit)
        await self._list(copy, path, found)
        if not found.entered:
            raise unknown_path(path)
        return Listing(found.nodes[:limit], len(found.nodes) > limit)

    async def file_size(self, copy: OpenCopy, path: str) -> int:
        """The size of a file in bytes. Raises NotFoundError, InvalidError on `query:path`, UnavailableError."""
        found = _First()
        if path != "/":
            await self._list(copy, path, found)
            if found.node is None:
                raise unknown_path(path)
        kind = "dir" if found.node is None else found.node.type
        if found.node is None or kind != "file":
            raise invalid(FIELD, "snapshot.not_a_file", type=kind)
        return found.node.size or 0

    async def content(self, copy: OpenCopy, path: str, size: int) -> AsyncGenerator[bytes, None]:
        """The bytes of a file. An ending without an error means that all `size` of them were given.

        Raises UnavailableError, TruncatedError.
        """
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        room = asyncio.Semaphore(_PIECES_AHEAD)

        async def put(piece: bytes) -> None:
            await room.acquire()
            pieces.put_nowait(piece)

        async with self._slot(self._downloads), _translated():
            runner = await self._ready()
            task = asyncio.create_task(dump.run(runner, copy.repository, copy.restic_snapshot_id, path, put))
            task.add_done_callback(lambda _: pieces.put_nowait(None))
            try:
                while (piece := await pieces.get()) is not None:
                    yield piece
                    room.release()
                given = await task
                if given != size:
                    raise TruncatedError(f"{given} bytes of {size}")
            finally:
                task.cancel()
                await asyncio.wait({task})

    async def _list(self, copy: OpenCopy, path: str, found: "_Folder | _First") -> None:
        invocation = ls.build_args(copy.repository, copy.restic_snapshot_id, path)
        async with self._slot(self._listings), _translated(), asyncio.timeout(self._limits.listing_s):
            runner = await self._ready()
            end = await runner.run(invocation, kinds=LS, on_message=found.hear, stop=found.enough)
            if not found.enough.is_set():
                ensure_ok(end)

    async def _ready(self) -> Runner:
        if self._runner is None:
            self._runner = await asyncio.to_thread(self._make_runner)
        return self._runner

    @asynccontextmanager
    async def _slot(self, slots: asyncio.Semaphore) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._limits.queue_s):
                await slots.acquire()
        except TimeoutError:
            raise UnavailableError("snapshot.busy", retry_after_s=10) from None
        try:
            yield
        finally:
            slots.release()


class _Folder:
    """Collects one page of a folder, and one entry more. The folder's own entry comes first; the root has none."""

    def __init__(self, path: str, after: int, limit: int) -> None:
        self.entered = path == "/"
        self.nodes: list[Node] = []
        self.enough = asyncio.Event()
        self._skip = after
        self._wanted = limit + 1

    def hear(self, message: Message) -> None:
        if not isinstance(message, Node) or self.enough.is_set():
            return
        if not self.entered:
            if message.type != "dir":
                raise invalid(FIELD, "snapshot.not_a_folder", type=message.type)
            self.entered = True
        elif self._skip:
            self._skip -= 1
        else:
            self.nodes.append(message)
            if len(self.nodes) == self._wanted:
                self.enough.set()


class _First:
    """Takes the entry of the path itself."""

    def __init__(self) -> None:
        self.node: Node | None = None
        self.enough = asyncio.Event()

    def hear(self, message: Message) -> None:
        if isinstance(message, Node) and self.node is None:
            self.node = message
            self.enough.set()


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """What restic could not do, as an answer that says how it ended; its own words go to the log."""
    try:
        yield
    except ResticCliError as error:
        log.warning("a snapshot could not be read", problem=str(error))
        outcome = getattr(error, "outcome", None)
        raise UnavailableError("snapshot.unreadable", outcome=str(outcome or type(error).__name__)) from error
    except TimeoutError as error:
        raise UnavailableError("snapshot.slow") from error
