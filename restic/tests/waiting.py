"""Conditions that tests wait for, and a look at this machine's processes."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path


async def until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    """Wait for the condition, and fail when it does not come true."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        await asyncio.sleep(0.02)


def locks(repository_location: str) -> list[Path]:
    """The lock files of a local repository."""
    return list(Path(repository_location, "locks").iterdir())


def descendants(pid: int) -> list[int]:
    """All living processes that a process has started, directly or not."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = stat.read_text("utf-8", "replace").rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, parent, *_ = rest.split()
        if state != "Z":
            parents[int(stat.parent.name)] = int(parent)
    found = [pid]
    for ancestor in found:
        found += [child for child, parent in parents.items() if parent == ancestor]
    return found[1:]


def is_restic(pid: int) -> bool:
    """Whether the process has become restic (and is not what starts it any more)."""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name == "restic"
    except (FileNotFoundError, PermissionError):
        return False


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
