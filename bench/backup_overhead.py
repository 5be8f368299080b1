"""What it costs that the control plane orders a backup: against bare restic through the same gateway, and locally.

Each side writes the same files into a fresh restic repository in each round. Ours is timed from the request that
starts the run to the event that it has ended; bare restic from its start to its exit.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.benchmark import Benchmark, Tools
from bench.data import large_files, small_files
from bench.processes import Usage
from bench.results import Goal, Metric, Pair, compared
from bench.rounds import take_turns
from bench.scene import Scene, scene

OURS, GATEWAY, LOCAL = "ordered by the control plane", "bare restic, same gateway", "bare restic, local path"
GOALS = {"small files": Goal(1.10), "large files": Goal(1.05)}


@dataclass(frozen=True, slots=True)
class Sizes:
    files: int
    large_mib: int
    rounds: int


def trees(stage: Scene, files: int, large_mib: int) -> dict[str, Path]:
    """The two kinds of data, by the name of their goal; a size of nothing leaves its kind out."""
    makers: dict[str, tuple[int, Callable[[Path, int], int]]] = {
        "small files": (files, small_files),
        "large files": (large_mib, large_files),
    }
    return {
        kind: stage.files(kind.replace(" ", "-"), partial(_made, make, size))
        for kind, (size, make) in makers.items()
        if size
    }


def against(what: str, usages: dict[str, list[Usage]], pair: Pair) -> list[Metric]:
    """Wall and CPU time of one way against another, both with the pair's goal."""
    mine, theirs = usages[pair.ours], usages[pair.other]
    runs = {"ours": _documents(mine), "other": _documents(theirs)}
    title = f"{what}: {pair.ours} against {pair.other}"
    walls, cpus = (
        [[getattr(u, name) for u in side] for side in (mine, theirs)] for name in ("wall_s", "cpu_s")
    )
    return [
        compared(f"{title}, wall", "s", *walls, goal=pair.goal, runs=runs),
        compared(f"{title}, CPU", "s", *cpus, goal=pair.goal, runs=runs),
    ]


def measure(sizes: Sizes, tools: Tools) -> list[Metric]:
    """Both kinds of data, three ways."""
    found: list[Metric] = []
    with scene(tools.restic) as stage:
        tiny = stage.files("tiny", lambda folder: small_files(folder, 3))
        for kind, source in trees(stage, sizes.files, sizes.large_mib).items():
            tools.say(kind)
            ways = {
                OURS: partial(_ordered, stage, source, tiny),
                GATEWAY: partial(_bare, stage, source, tiny),
                LOCAL: partial(_local, stage, source, tiny),
            }
            usages = take_turns(ways, sizes.rounds, tools.say)
            pairs = (Pair(OURS, GATEWAY, GOALS[kind]), Pair(OURS, LOCAL), Pair(GATEWAY, LOCAL))
            for pair in pairs:
                found += against(f"backup of {kind}", usages, pair)
    return found


def _ordered(stage: Scene, source: Path, tiny: Path) -> Usage:
    repository, first = stage.ready_repository(tiny)
    job = stage.installation.job(stage.agent.id, [source], repository_ids=[repository])
    usage = stage.ordered(lambda: stage.installation.start(job))
    stage.drop(first)
    return usage


def _bare(stage: Scene, source: Path, tiny: Path) -> Usage:
    _, first = stage.ready_repository(tiny)
    place = stage.place(first)
    usage = stage.unordered(place, "backup", source)
    stage.bare.forget(place)
    stage.drop(first)
    return usage


def _local(stage: Scene, source: Path, tiny: Path) -> Usage:
    place = stage.bare.fresh_local()
    stage.bare.run(place, ["backup", tiny])
    os.sync()
    usage = stage.bare.run(place, ["backup", source])
    stage.bare.forget(place)
    return usage


def _made(make: Callable[[Path, int], int], size: int, folder: Path) -> int:
    return make(folder, size)


def _documents(usages: Sequence[Usage]) -> list[dict[str, float]]:
    return [usage.document() for usage in usages]


BENCHMARK = Benchmark(
    "backup-overhead",
    "an ordered backup against bare restic, through the same gateway and to a local path",
    sizes=Sizes(files=50_000, large_mib=4096, rounds=3),
    quick=Sizes(files=200, large_mib=16, rounds=1),
    measure=measure,
)
