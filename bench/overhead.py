"""What the benchmarks of ordered backups and restores share: the three ways, the two kinds of data, the metrics."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.data import large_files, small_files
from bench.processes import Usage
from bench.results import Metric, Pair, compared
from bench.scene import Scene

OURS, GATEWAY, LOCAL = "ordered by the control plane", "bare restic, same gateway", "bare restic, local path"


@dataclass(frozen=True, slots=True)
class Sizes:
    files: int
    large_mib: int
    rounds: int


FULL = Sizes(files=50_000, large_mib=4096, rounds=3)
QUICK = Sizes(files=200, large_mib=16, rounds=1)


def trees(stage: Scene, sizes: Sizes) -> dict[str, Path]:
    """The two kinds of data by their names; a size of nothing leaves its kind out."""
    makers: dict[str, tuple[int, Callable[[Path, int], int]]] = {
        "small files": (sizes.files, small_files),
        "large files": (sizes.large_mib, large_files),
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


def _made(make: Callable[[Path, int], int], size: int, folder: Path) -> int:
    return make(folder, size)


def _documents(usages: Sequence[Usage]) -> list[dict[str, float]]:
    return [usage.document() for usage in usages]
