"""How long the whole platform takes to start, its memory when idle, and the demo on a small machine.

Timed is `sbs up`, as an operator types it, until it says that everything is ready. Cold is a data directory that is
not there yet; warm is the same one after `sbs down`. No other product starts a comparable set of servers, so
PostgreSQL alone, from the same binaries, stands beside it as the floor.
"""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.bare_postgres import bare_postgres
from bench.benchmark import Benchmark, Tools
from bench.errors import BenchError
from bench.processes import memory_of_tree, seconds_of
from bench.results import Goal, Metric, compared
from bench.rounds import take_turns
from bench.small_machine import demo_in_a_small_machine
from tests.harness.command import Sbs
from tests.harness.folder import temporary_folder

OURS, OTHER = "platform", "PostgreSQL alone"
_MB = 1e6


@dataclass(frozen=True, slots=True)
class Sizes:
    rounds: int
    idle_s: int
    demo: int


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds, and MB of all processes after it had nothing to do for a while."""

    cold_s: float
    warm_s: float
    idle_mb: float

    def __str__(self) -> str:
        return f"cold {self.cold_s:.2f} s, warm {self.warm_s:.2f} s, idle {self.idle_mb:.0f} MB"


def measure(sizes: Sizes, tools: Tools) -> list[Metric]:
    """Start and memory against the floor, then the demo, unless --demo 0."""
    ways = {
        OURS: partial(_platform, tools.restic, sizes.idle_s),
        OTHER: partial(_postgres, sizes.idle_s),
    }
    found = take_turns(ways, sizes.rounds, tools.say)
    mine, floor = found[OURS], found[OTHER]

    def metric(name: str, unit: str, field: str, limit: float) -> Metric:
        sides = [[getattr(start, field) for start in side] for side in (mine, floor)]
        return compared(f"{name}: {OURS} against {OTHER}", unit, *sides, goal=Goal(limit, of="ours"))

    metrics = [
        metric("cold start", "s", "cold_s", 15),
        metric("warm start", "s", "warm_s", 8),
        metric("memory when idle (PSS)", "MB", "idle_mb", 1200),
    ]
    return metrics + (demo_in_a_small_machine(tools) if sizes.demo else [])


def _platform(restic: Path, idle_s: int) -> Start:
    with temporary_folder("bench") as folder:
        sbs = Sbs(folder / "sbs", restic)
        try:
            cold = seconds_of(sbs.up)
            time.sleep(idle_s)
            supervisor = sbs.supervisor()
            if supervisor is None:
                raise BenchError("the platform has no supervisor after `sbs up`")
            idle = memory_of_tree(supervisor) / _MB
            sbs.down()
            warm = seconds_of(sbs.up)
        finally:
            sbs.down()
    return Start(cold, warm, idle)


def _postgres(idle_s: int) -> Start:
    with bare_postgres() as server:
        cold = server.initialise() + server.start()
        try:
            time.sleep(idle_s)
            idle = server.memory() / _MB
        finally:
            server.stop()
        warm = server.start()
        server.stop()
    return Start(cold, warm, idle)


BENCHMARK = Benchmark(
    "platform-start",
    "cold and warm start of the whole platform, its memory, the demo in a small machine",
    sizes=Sizes(rounds=5, idle_s=20, demo=1),
    quick=Sizes(rounds=1, idle_s=1, demo=0),
    measure=measure,
)
