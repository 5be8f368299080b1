"""What every benchmark is: a name, sizes with their small variant, and a function that gives metrics."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.results import Metric
from bench.rounds import Say


@dataclass(frozen=True, slots=True)
class Tools:
    """What all of them are given. `control_group`: a folder of the kernel's below which groups may be made."""

    restic: Path
    rclone: Path | None
    control_group: Path | None
    say: Say


@dataclass(frozen=True, slots=True)
class Benchmark:
    """`sizes` and `quick` are instances of one dataclass of whole numbers; each field is an option."""

    name: str
    about: str
    sizes: Any
    quick: Any
    measure: Callable[[Any, Tools], list[Metric]]
