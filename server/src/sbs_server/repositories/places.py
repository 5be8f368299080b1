"""The storage roots that the operator has declared, and what can be done with folders below them.

All file system work runs in threads of its own with a deadline: a network mount whose server is gone blocks for
ever.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from sbs_server.kit.errors import FieldProblem, InvalidError, invalid
from sbs_server.repositories import trials
from sbs_server.repositories.markers import Marker, read_marker
from sbs_server.repositories.paths import FIELD, Place, locate
from sbs_server.repositories.trials import Space, Trial

_T = TypeVar("_T")
_DEADLINE_S = 20.0


class Places:
    """Built by the entry point from `settings.storage.roots`."""

    def __init__(self, roots: Sequence[Path], *, deadline_s: float = _DEADLINE_S) -> None:
        self._roots = roots
        self._deadline_s = deadline_s
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="places")
        self._hanging: set[str] = set()

    def close(self) -> None:
        """Ends the threads; one that hangs on a dead mount is left behind."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def locate(self, path: str) -> Place:
        """The place that a path names, by its text alone. Raises InvalidError."""
        return locate(path, self._roots)

    async def holder(self, place: Place) -> Marker | None:
        """Whose folder this is already. Raises InvalidError."""
        return await self._in_thread(lambda: _holder(place))

    async def take(self, place: Place, marker: Marker) -> Space:
        """Tries the folder, creating it where needed, and leaves the mark in it.

        Raises InvalidError; the folders it had made are gone then.
        """
        return await self._in_thread(lambda: trials.take(place, marker))

    async def try_out(self, place: Place) -> Trial:
        """Does what `take` would do, and leaves nothing behind."""
        return await self._in_thread(lambda: trials.try_out(place))

    async def space(self, path: str, marker: Marker) -> Space:
        """The space of a repository's disk. Raises InvalidError when the folder is not there, or not that one."""
        return await self._look(path, lambda: _space(Path(path), marker))

    async def root_spaces(self) -> list[tuple[str, Space | FieldProblem]]:
        """Each storage root with its disk's space, or why it can't be used just now."""
        return [(str(root), await self._root_space(root)) for root in self._roots]

    async def _root_space(self, root: Path) -> Space | FieldProblem:
        try:
            return await self._look(str(root), lambda: _root_space(root))
        except InvalidError as error:
            return error.fields[0]

    async def _look(self, path: str, work: Callable[[], _T]) -> _T:
        """Pages look again and again: a folder that does not answer may hold one thread, not all of them."""
        if path in self._hanging:
            raise self._slow()
        thread = self._threads.submit(work)
        try:
            return await self._answer(thread)
        except InvalidError:
            if thread.running():
                self._hanging.add(path)
                thread.add_done_callback(lambda _: self._hanging.discard(path))
            raise

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await self._answer(self._threads.submit(work))

    async def _answer(self, thread: Future[_T]) -> _T:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await asyncio.wrap_future(thread)
        except TimeoutError:
            raise self._slow() from None

    def _slow(self) -> InvalidError:
        return invalid(FIELD, "repository.path_slow", seconds=int(self._deadline_s))


def _holder(place: Place) -> Marker | None:
    with trials.explained(place.path):
        return read_marker(place.path)


def _root_space(root: Path) -> Space:
    with trials.explained(root):
        if not trials.is_folder(root):
            raise invalid(FIELD, "repository.path_missing", path=str(root))
        return trials.usage(root)


def _space(path: Path, marker: Marker) -> Space:
    with trials.explained(path):
        if not trials.is_folder(path):
            raise invalid(FIELD, "repository.path_missing", path=str(path))
        if read_marker(path) != marker:
            raise invalid(FIELD, "repository.path_foreign", path=str(path))
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            raise invalid(FIELD, "repository.path_read_only", path=str(path))
        return trials.usage(path)
