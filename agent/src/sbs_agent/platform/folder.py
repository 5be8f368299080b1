"""A folder held open. What is done in it stays in it: names are looked up in this very folder, never through a link.

The owner of a target folder may rename it, or put a link where a folder was, between our look and our act. An agent
that is root must not be led elsewhere by that, so everything that it does in somebody's folder is done by this.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self


class Folder(Protocol):
    """All methods raise `OSError`, and `NotADirectoryError` where a link stands in the place of a folder."""

    path: Path
    """What it was called when it was opened: for people."""

    handle: int
    """A child process that inherits it finds the folder by `pinned`."""

    @property
    def pinned(self) -> Path:
        """A path that leads to this very folder for as long as it is held, whatever it is called meanwhile."""
        ...

    def names(self) -> list[str]: ...

    def status(self, name: str) -> os.stat_result | None:
        """Of what is called so in it, a link's own; None if nothing is."""
        ...

    def enter(self, name: str) -> Self: ...

    def make(self, name: str, mode: int) -> None: ...

    def move(self, name: str, to: Self, new_name: str) -> None:
        """One rename. Raises `FileExistsError` if the new name is taken; what has it stays."""
        ...

    def remove(self, name: str) -> None:
        """With everything below it; nothing if there is no such name."""
        ...

    def remove_empty(self, name: str) -> None:
        """A folder that has nothing in it."""
        ...

    def set_mode(self, mode: int) -> None:
        """The folder's own."""
        ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
