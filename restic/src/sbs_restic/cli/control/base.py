"""The seam between the runner and the operating system: what POSIX and Windows do differently."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


class ChildInputs(Protocol):
    """Things that one child may read by a path: kept until the child has started, never left on disk."""

    def secret(self, value: bytes) -> str:
        """Give a path that only the child can read `value` from, once."""
        ...

    def document(self, pieces: Iterable[bytes]) -> str:
        """Give a path that the child can read the pieces from. Blocks while it writes: call it in a thread."""
        ...

    def inherit(self, descriptors: Iterable[int]) -> None:
        """Let the child have these too, by the numbers that they have here; they stay the caller's to close."""
        ...


class ProcessControl(Protocol):
    """How a child process is started, told to stop, and made to die with us."""

    def inputs(self, temp_dir: Path | None) -> AbstractContextManager[ChildInputs]:
        """Open the inputs for one child; leaving the context closes our ends."""
        ...

    def environment(self) -> Mapping[str, str]:
        """Give the variables without which no program runs on this system."""
        ...

    async def spawn(
        self, argv: Sequence[str], env: Mapping[str, str], inputs: ChildInputs, limit: int
    ) -> asyncio.subprocess.Process:
        """Start a child in a group of its own that ends when this process ends, in whatever way.

        limit: bytes that are buffered for each of stdout and stderr before the child has to wait.
        """
        ...

    def interrupt(self, process: asyncio.subprocess.Process) -> None:
        """Ask politely: restic removes its lock and ends."""
        ...

    def terminate(self, process: asyncio.subprocess.Process) -> None:
        """Ask again, in the other way that there is."""
        ...

    def kill(self, process: asyncio.subprocess.Process) -> None:
        """End the child and what it has started, at once."""
        ...
