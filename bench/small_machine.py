"""`make demo` on two cores and 2 GiB: limited by the kernel where it lets us, else watched."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench.benchmark import Tools
from bench.control_group import Group, find_parent, limited
from bench.errors import BenchError
from bench.processes import memory_of_tree
from bench.results import Goal, Metric, alone
from scripts.sources import ROOT
from tests.harness.command import Sbs
from tests.harness.folder import temporary_folder

CORES, MEMORY_BYTES = 2, 2 << 30
_LOOK_S = 1.0
_LAST_LINES = 15
_MIB = 2**20


def demo_in_a_small_machine(tools: Tools) -> list[Metric]:
    """Whether the demo passes, how long it takes and the most memory it had.

    Where no limit can be set, the cores are limited all the same, the peak is what was seen at one look a second,
    and whether it would have passed is left open.
    """
    with ExitStack() as stack:
        try:
            parent = find_parent(tools.control_group, Path("/proc/self/cgroup").read_text())
            group = stack.enter_context(limited(parent, MEMORY_BYTES))
        except BenchError as error:
            return _metrics(None, *_demo(tools, None), f"no limit of memory was set: {error}")
        code, seconds, _ = _demo(tools, group)
        peak, killed = group.peak_bytes(), group.killed()
        version = 1 if group.first_version else 2
        note = f"a control group of version {version}; {killed} processes were killed for lack of memory"
        return _metrics(code, code, seconds, peak, note)


def _metrics(judged: int | None, code: int, seconds: float, peak: int | None, note: str) -> list[Metric]:
    size = f"{CORES} cores and {MEMORY_BYTES >> 30} GiB"
    note = f"{note}; exit code of the demo: {code}; {len(os.sched_getaffinity(0))} cores in all"
    passed = [] if judged is None else [float(judged == 0)]
    peaks = [] if peak is None else [peak / _MIB]
    goal = Goal(1, at="least", of="ours")
    most = Goal(MEMORY_BYTES / _MIB, of="ours")
    counted = (
        "seen at one look a second (PSS)" if judged is None else "counted by the kernel, page cache included"
    )
    return [
        alone(f"the demo passes in {size}", "", passed, goal=goal, runs={"exit_code": code}, note=note),
        alone(f"the demo on {CORES} cores, wall", "s", [seconds], note="no other side: it is our own story"),
        alone(f"the demo on {CORES} cores, most memory", "MiB", peaks, goal=most, note=counted),
    ]


def _demo(tools: Tools, group: Group | None) -> tuple[int, float, int]:
    """Exit code, seconds, and the most bytes that were seen in its processes."""
    tools.say(f"  the demo on {CORES} cores, {'limited' if group else 'without a limit of memory'}")
    with temporary_folder("bench") as var:
        sbs = Sbs(var / "sbs", tools.restic)
        command = [sys.executable, "-m", "demo", "--var", str(var)]
        started, peak, log = time.perf_counter(), 0, var / "demo.log"
        try:
            with log.open("wb") as output:
                process = subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env=sbs.environment,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    preexec_fn=_enter(group),  # noqa: PLW1509 - this process has no other threads here
                )
            while process.poll() is None:
                peak = max(peak, _memory(process.pid, sbs))
                time.sleep(_LOOK_S)
            seconds = time.perf_counter() - started
        finally:
            sbs.down()
        if process.returncode:
            tools.say("\n".join(log.read_text().splitlines()[-_LAST_LINES:]))
        return process.returncode, seconds, peak


def _enter(group: Group | None) -> Callable[[], None]:
    """What the child does before it becomes the demo: all that it starts stays within."""
    cores = set(sorted(os.sched_getaffinity(0))[:CORES])

    def enter() -> None:
        os.sched_setaffinity(0, cores)
        if group is not None:
            group.join.write_text(str(os.getpid()))

    return enter


def _memory(demo: int, sbs: Sbs) -> int:
    """The demo with its agent, and the platform, which is nobody's child."""
    found = 0
    for root in (demo, sbs.supervisor()):
        try:
            found += memory_of_tree(root) if root else 0
        except BenchError:
            continue  # has just ended
    return found
