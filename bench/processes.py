"""Wall time, CPU time and memory of whole process trees."""

import os
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass

import psutil

from bench.errors import BenchError


@dataclass(frozen=True, slots=True)
class Usage:
    """What one operation took: wall seconds, CPU seconds of the client's side and of the servers."""

    wall_s: float
    client_cpu_s: float
    servers_cpu_s: float

    @property
    def cpu_s(self) -> float:
        """Of both sides."""
        return self.client_cpu_s + self.servers_cpu_s

    def document(self) -> dict[str, float]:
        """As it is written into a result, to the hundredth of a second."""
        return {name: round(value, 2) for name, value in asdict(self).items()}

    def __str__(self) -> str:
        return (
            f"{self.wall_s:7.2f} s wall, CPU s: client {self.client_cpu_s:6.2f}, "
            f"servers {self.servers_cpu_s:6.2f}"
        )


def measured(act: Callable[[], object], client: Iterable[int], servers: Iterable[int]) -> Usage:
    """Does it, and says what it took; `client` and `servers` are pids of the roots of process trees."""
    client, servers = tuple(client), tuple(servers)
    before = cpu_of_trees(client), cpu_of_trees(servers)
    wall = seconds_of(act)
    return Usage(wall, cpu_of_trees(client) - before[0], cpu_of_trees(servers) - before[1])


def seconds_of(act: Callable[[], object]) -> float:
    """Does it, and says how long it took."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def run_measured(command: Sequence[object], servers: Iterable[int], **how: object) -> Usage:
    """Runs a command to its end; the client's CPU time is what the kernel says of that process.

    `how` goes to Popen. Errors: BenchError, if it fails.
    """
    servers = tuple(servers)
    before, started = cpu_of_trees(servers), time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], **how)  # type: ignore[call-overload]  # by kind
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        process.wait()
        raise
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchError(f"{command[0]} ended with {process.returncode}: {' '.join(map(str, command[1:]))}")
    return Usage(wall, usage.ru_utime + usage.ru_stime, cpu_of_trees(servers) - before)


def cpu_of_trees(roots: Iterable[int]) -> float:
    """CPU seconds of these processes and all below them, of those that have ended and were waited for too."""
    return sum(_cpu(process) for process in _trees(roots))


def memory_of_tree(root: int) -> int:
    """Bytes of a process and all below it; what they share is counted once (the kernel's PSS)."""
    return sum(_pss(process) for process in _trees([root]))


def _trees(roots: Iterable[int]) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for root in roots:
        try:
            process = psutil.Process(root)
            found += [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            raise BenchError(f"the process {root} that is measured has ended") from None
    return found


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0  # ended just now: its parent has its time from here on
    return float(times.user + times.system + times.children_user + times.children_system)


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0
