"""A control group of the kernel's with a limit of memory: version 1 or 2, whichever the machine offers.

A group is made below the root group, or below a folder that one has named. Below any other group (a service's, a
container's, a session's) there is somebody who manages it and counts on knowing its processes, so nothing is made
there unasked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from bench.errors import BenchError
from demo.waiting import until

_ROOT = Path("/sys/fs/cgroup")
_V1 = "memory.limit_in_bytes"
_EMPTY_S = 30


@dataclass(frozen=True, slots=True)
class Group:
    """A limited group. `join` is the file that a process writes its pid to."""

    folder: Path
    first_version: bool

    @property
    def join(self) -> Path:
        return self.folder / "cgroup.procs"

    def peak_bytes(self) -> int | None:
        """The most memory it ever had, with the page cache that counts for it; None on kernels that don't say."""
        file = self.folder / ("memory.max_usage_in_bytes" if self.first_version else "memory.peak")
        return int(file.read_text()) if file.exists() else None

    def killed(self) -> int:
        """How many processes the kernel has killed for lack of memory."""
        file = self.folder / ("memory.oom_control" if self.first_version else "memory.events")
        counts = dict(line.split() for line in file.read_text().splitlines())
        return int(counts.get("oom_kill", 0))


def find_parent(named: Path | None, own_groups: str, root: Path = _ROOT) -> Path:
    """The folder below which a group may be made; `own_groups` is the text of /proc/self/cgroup.

    Errors: BenchError, which says why there is none.
    """
    if named is not None:
        return named
    for line in own_groups.splitlines():
        _, controllers, group = line.split(":", 2)
        folder = _folder(controllers, root)
        if folder is None:
            continue
        if group != "/":
            raise BenchError("this process is in a memory group that somebody else manages (--control-group)")
        return folder
    raise BenchError("the kernel offers no control of memory here")


def _folder(controllers: str, root: Path) -> Path | None:
    """Where the hierarchy of a line is mounted, if it can limit memory."""
    if "memory" in controllers.split(","):
        return root / "memory" if (root / "memory" / _V1).exists() else None
    if controllers:
        return None
    for folder in (root, root / "unified"):
        offered = folder / "cgroup.controllers"
        if offered.exists() and "memory" in offered.read_text().split():
            return folder
    return None


@contextmanager
def limited(parent: Path, memory_bytes: int) -> Iterator[Group]:
    """A fresh group of at most so much memory, swap included; removed at the end, when it has to be empty.

    Errors: BenchError, if the kernel does not let us.
    """
    folder = parent / f"sbs-bench-{uuid4().hex[:8]}"
    group = Group(folder, first_version=(parent / _V1).exists())
    try:
        if not group.first_version:
            (parent / "cgroup.subtree_control").write_text("+memory")
        folder.mkdir()
    except OSError as error:
        raise BenchError(f"no group can be made in {parent}: {error.strerror}") from error
    try:
        _limit(group, memory_bytes)
        yield group
    finally:
        _remove(folder)


def _limit(group: Group, memory_bytes: int) -> None:
    names = (_V1, "memory.memsw.limit_in_bytes") if group.first_version else ("memory.max", "memory.swap.max")
    for name, value in zip(names, (memory_bytes, memory_bytes if group.first_version else 0), strict=True):
        file = group.folder / name
        if name in {_V1, "memory.max"} or file.exists():
            try:
                file.write_text(str(value))
            except OSError as error:
                raise BenchError(f"{file} does not take the limit {value}: {error.strerror}") from error


def _remove(folder: Path) -> None:
    processes = folder / "cgroup.procs"

    def empty() -> bool | None:
        return None if processes.exists() and processes.read_text() else True

    until(empty, _EMPTY_S, f"the last process in {folder} to end")
    folder.rmdir()
