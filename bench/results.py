"""The shape of a result: metrics with a ratio and a goal, the file of a benchmark, and its table.

The ratio is the median over the rounds of ours / other, so that what disturbed one round disturbs one ratio. Whether
a small or a large ratio is good is in the goal: at most, or at least.
"""

import json
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Summary = Callable[[Sequence[float]], float]
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Goal:
    """`of`: whether it binds the ratio or our own number."""

    limit: float
    at: Literal["most", "least"] = "most"
    of: Literal["ratio", "ours"] = "ratio"

    def met(self, ours: float | None, ratio: float | None) -> bool | None:
        """None: there is no number to judge by."""
        value = ratio if self.of == "ratio" else ours
        if value is None:
            return None
        return value <= self.limit if self.at == "most" else value >= self.limit


@dataclass(frozen=True, slots=True)
class Pair:
    """Two ways by their names, the first to be judged by the second."""

    ours: str
    other: str
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of a result. `ours` and `other` are in `unit`; `runs` has the raw numbers of each side, by round."""

    metric: str
    unit: str
    ours: float | None
    other: float | None
    ratio: float | None
    goal: Goal | None
    runs: dict[str, Any]
    note: str = ""

    @property
    def met(self) -> bool | None:
        return None if self.goal is None else self.goal.met(self.ours, self.ratio)

    def document(self) -> dict[str, Any]:
        """As it is written: `goal` is the bare number, `goal_is` says how it is meant."""
        goal = self.goal
        return {
            "metric": self.metric,
            "unit": self.unit,
            "ours": _rounded(self.ours),
            "other": _rounded(self.other),
            "ratio": _rounded(self.ratio),
            "goal": None if goal is None else goal.limit,
            "goal_is": None if goal is None else f"{goal.of} at {goal.at}",
            "met": self.met,
            "note": self.note,
            "runs": self.runs,
        }


def compared(
    metric: str,
    unit: str,
    ours: Sequence[float],
    other: Sequence[float],
    *,
    goal: Goal | None = None,
    runs: dict[str, Any] | None = None,
    note: str = "",
) -> Metric:
    """A metric of two sides that took turns: medians, and the median of the rounds' ratios.

    `runs` replaces the plain numbers where more is known of each round.
    """
    ratios = [mine / theirs for mine, theirs in zip(ours, other, strict=True)]
    raw = runs or {"ours": _all(ours), "other": _all(other)}
    median = statistics.median
    return Metric(metric, unit, median(ours), median(other), median(ratios), goal, raw, note)


def summarised(
    metric: str,
    unit: str,
    summary: Summary,
    ours: Sequence[float],
    other: Sequence[float],
    *,
    goal: Goal | None = None,
) -> Metric:
    """A metric that makes sense over all rounds only, such as p99: the ratio is that of the two summaries."""
    mine, theirs = summary(ours), summary(other)
    runs = {"ours": _all(ours), "other": _all(other)}
    return Metric(metric, unit, mine, theirs, mine / theirs, goal, runs)


def alone(
    metric: str,
    unit: str,
    ours: Sequence[float],
    *,
    goal: Goal | None = None,
    runs: dict[str, Any] | None = None,
    note: str = "",
) -> Metric:
    """A metric with no other side; `note` says why. Without numbers it says that none could be had."""
    middle = statistics.median(ours) if ours else None
    return Metric(metric, unit, middle, None, None, goal, runs or {"ours": _all(ours)}, note)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of them do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(len(ranked) * percent / 100) - 1)]


@dataclass(frozen=True, slots=True)
class Result:
    """All of one benchmark. `sizes` are what it was told to measure with."""

    name: str
    command: str
    date: str
    machine: dict[str, Any]
    versions: dict[str, str]
    sizes: dict[str, Any]
    metrics: list[Metric] = field(default_factory=list)

    def write(self, folder: Path) -> Path:
        """<name>.json and <name>.md in the folder; gives back the first."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        path.write_text(json.dumps(self._document(), indent=1) + "\n", encoding="utf-8")
        path.with_suffix(".md").write_text(self._page(), encoding="utf-8")
        return path

    def _document(self) -> dict[str, Any]:
        head = {name: value for name, value in asdict(self).items() if name != "metrics"}
        return {**head, "metrics": [metric.document() for metric in self.metrics]}

    def _page(self) -> str:
        facts = [f"- {name}: {value}" for name, value in (*self.machine.items(), *self.versions.items())]
        notes = [f"- {metric.metric}: {metric.note}" for metric in self.metrics if metric.note]
        head = [f"# {self.name}", "", f"`{self.command}`, {self.date}", ""]
        return "\n".join([*head, markdown(self.metrics), "", *notes, *([""] if notes else []), *facts, ""])


_HEADINGS = ("metric", "ours", "other", "ratio", "goal", "met")


def table(metrics: Sequence[Metric]) -> str:
    """For a terminal: columns under each other."""
    rows = [_HEADINGS, *map(_cells, metrics)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    return "\n".join("  ".join(map(_justified, row, widths, range(len(widths)))).rstrip() for row in rows)


def markdown(metrics: Sequence[Metric]) -> str:
    """The same as a table of a page."""
    rows = [_HEADINGS, ("---", *["---:"] * 4, "---"), *map(_cells, metrics)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(metric: Metric) -> tuple[str, ...]:
    goal = metric.goal
    sign = "" if goal is None else ("≤" if goal.at == "most" else "≥")
    word = {True: "yes", False: "NO", None: "-"}[metric.met]
    aim = "-" if goal is None else f"{sign} {goal.limit:g}{'' if goal.of == 'ratio' else ' ' + metric.unit}"
    ours, other = (_text(value, metric.unit) for value in (metric.ours, metric.other))
    return metric.metric, ours, other, _text(metric.ratio, ""), aim.strip(), word


def _justified(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column in {0, len(_HEADINGS) - 1} else cell.rjust(width)


def _text(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{_rounded(value):g} {unit}".strip()


def _all(values: Sequence[float]) -> list[float | None]:
    return [_rounded(value) for value in values]


def _rounded(value: float | None) -> float | None:
    """To what can be told apart at all: four digits."""
    return None if value is None else float(f"{value:.{_DIGITS}g}")
