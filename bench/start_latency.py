"""How long from "run now" to restic at work, against bare restic's start.

The source is a sparse file: restic reads every byte of it, so that it is at work long enough to say so, and stores
next to nothing. It is touched before every start, or restic would not read it again. Both sides keep restic's own
wait before its first progress message (a tenth of a second, as the agent sets it).
"""

import os
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.bare_restic import TOO_LITTLE, Place
from bench.benchmark import Benchmark, Tools
from bench.data import empty_file
from bench.errors import BenchError
from bench.results import Goal, Metric, alone, percentile, summarised
from bench.rounds import take_turns
from bench.scene import Scene, scene

OURS, BARE = "run now", "bare restic"


@dataclass(frozen=True, slots=True)
class Sizes:
    starts: int
    read_mib: int


def measure(sizes: Sizes, tools: Tools) -> list[Metric]:
    """p50 and p99 of both."""
    with scene(tools.restic) as stage:
        source = stage.files("read", lambda folder: empty_file(folder / "zeros", sizes.read_mib))
        repository, _ = stage.ready_repository(source)
        job = stage.installation.job(stage.agent.id, [source], repository_ids=[repository])
        _, first = stage.ready_repository(source)
        place = stage.place(first)
        ways = {
            OURS: partial(_ordered, stage, job, source / "zeros"),
            BARE: partial(_bare, stage, place, source / "zeros"),
        }
        found = take_turns(ways, sizes.starts, tools.say)
    ours, bare = found[OURS], found[BARE]
    added = [mine - theirs for mine, theirs in zip(ours, bare, strict=True)]
    title = f"start of a backup to restic's first progress: {OURS} against {BARE}"
    metrics = [
        summarised(
            f"{title}, p{percent}",
            "s",
            partial(percentile, percent=percent),
            ours,
            bare,
            goal=Goal(limit, of="ours"),
        )
        for percent, limit in ((50, 1.0), (99, 2.0))
    ]
    note = "the difference of the two sides in each round: order, workflow, admission, agent, live stream"
    return [*metrics, alone("what we add to restic's own start", "s", added, note=note)]


def _ordered(stage: Scene, job: dict[str, Any], file: Path) -> float:
    """Seconds until the live stream shows restic at work; then the run is let come to its end."""
    os.utime(file)
    found = None
    started = time.perf_counter()
    run = stage.installation.start(job)
    for event, data in stage.events(run):
        if found is None and event == "progress" and data["phase"] != "starting":
            found = time.perf_counter() - started
    stage.carried_out(run)
    if found is None:
        raise BenchError(TOO_LITTLE)
    return found


def _bare(stage: Scene, place: Place, file: Path) -> float:
    os.utime(file)
    return stage.bare.first_status(place, ["backup", file.parent])


BENCHMARK = Benchmark(
    "start-latency",
    "run now to restic's first progress message, against bare restic's start",
    sizes=Sizes(starts=100, read_mib=4096),
    quick=Sizes(starts=2, read_mib=4096),
    measure=measure,
)
