"""What it costs that the control plane orders a restore, with and without verification on both sides.

One snapshot is made before; both sides restore it from the same restic repository through the same gateway, each
round into a fresh folder. The local path is a repository of its own with the same files.
"""

import os
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.bare_restic import Place
from bench.benchmark import Benchmark, Tools
from bench.data import small_files
from bench.overhead import FULL, GATEWAY, LOCAL, OURS, QUICK, Sizes, against, trees
from bench.processes import Usage
from bench.results import Goal, Metric, Pair
from bench.rounds import take_turns
from bench.scene import Scene, scene

GOAL = Goal(1.05)


@dataclass(frozen=True, slots=True)
class Kept:
    """One snapshot of the same files in both restic repositories."""

    run: dict[str, Any]
    gateway: Place
    gateway_snapshot: str
    local: Place
    local_snapshot: str


def measure(sizes: Sizes, tools: Tools) -> list[Metric]:
    """Both kinds of data, three ways, verified and not."""
    found: list[Metric] = []
    with scene(tools.restic) as stage:
        tiny = stage.files("tiny", lambda folder: small_files(folder, 3))
        for kind, source in trees(stage, sizes).items():
            kept = _kept(stage, source, tiny)
            for verify in (True, False):
                what = f"restore of {kind}{', verified' if verify else ''}"
                tools.say(what)
                ways = {
                    OURS: partial(_ordered, stage, kept, verify),
                    GATEWAY: partial(_bare, stage, kept.gateway, kept.gateway_snapshot, verify),
                    LOCAL: partial(_local, stage, kept.local, kept.local_snapshot, verify),
                }
                usages = take_turns(ways, sizes.rounds, tools.say)
                for pair in (Pair(OURS, GATEWAY, GOAL), Pair(OURS, LOCAL)):
                    found += against(what, usages, pair)
            _forget(stage, kept, source)
    return found


def _kept(stage: Scene, source: Path, tiny: Path) -> Kept:
    repository, _ = stage.ready_repository(tiny)
    job = stage.installation.job(stage.agent.id, [source], repository_ids=[repository])
    run = stage.carried_out(stage.installation.start(job))
    gateway, local = stage.place(run), stage.bare.fresh_local()
    stage.bare.run(local, ["backup", source])
    return Kept(run, gateway, run["targets"][0]["restic_snapshot_id"], local, stage.bare.latest(local))


def _forget(stage: Scene, kept: Kept, source: Path) -> None:
    for place in (kept.gateway, kept.local):
        stage.bare.forget(place)
    stage.drop(kept.run)
    shutil.rmtree(source)


def _ordered(stage: Scene, kept: Kept, verify: bool) -> Usage:
    target = stage.fresh_target()
    usage = stage.ordered(lambda: stage.installation.start_restore(kept.run, target, "refuse", verify=verify))
    shutil.rmtree(target)
    return usage


def _bare(stage: Scene, place: Place, snapshot: str, verify: bool) -> Usage:
    target = stage.fresh_target()
    usage = stage.unordered(place, *_words(snapshot, target, verify))
    shutil.rmtree(target)
    return usage


def _local(stage: Scene, place: Place, snapshot: str, verify: bool) -> Usage:
    target = stage.fresh_target()
    os.sync()
    usage = stage.bare.run(place, _words(snapshot, target, verify))
    shutil.rmtree(target)
    return usage


def _words(snapshot: str, target: Path, verify: bool) -> list[object]:
    return ["restore", snapshot, "--target", target, *(["--verify"] if verify else [])]


BENCHMARK = Benchmark(
    "restore-overhead",
    "an ordered restore against bare restic, verified and not",
    sizes=FULL,
    quick=QUICK,
    measure=measure,
)
