"""What it costs that the control plane orders a backup: against bare restic through the same gateway, and locally.

Each side writes the same files into a fresh restic repository in each round. Ours is timed from the request that
starts the run to the event that it has ended; bare restic from its start to its exit.
"""

import os
from functools import partial
from pathlib import Path

from bench.benchmark import Benchmark, Tools
from bench.data import small_files
from bench.overhead import FULL, GATEWAY, LOCAL, OURS, QUICK, Sizes, against, trees
from bench.processes import Usage
from bench.results import Goal, Metric, Pair
from bench.rounds import take_turns
from bench.scene import Scene, scene

GOALS = {"small files": Goal(1.10), "large files": Goal(1.05)}


def measure(sizes: Sizes, tools: Tools) -> list[Metric]:
    """Both kinds of data, three ways."""
    found: list[Metric] = []
    with scene(tools.restic) as stage:
        tiny = stage.files("tiny", lambda folder: small_files(folder, 3))
        for kind, source in trees(stage, sizes).items():
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


BENCHMARK = Benchmark(
    "backup-overhead",
    "an ordered backup against bare restic, through the same gateway and to a local path",
    sizes=FULL,
    quick=QUICK,
    measure=measure,
)
