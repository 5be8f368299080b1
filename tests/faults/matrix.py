"""Which fault falls into which moment of which kind of run, and which of them are today's."""

import os
from datetime import UTC, date, datetime
from typing import NamedTuple

from tests.harness.faults import COMPONENTS
from tests.harness.moments import Moment

KINDS = ("backup", "restore")
FAULTS = (*COMPONENTS, "agent", "restic", "cut", "disk", "supervisor")
# A minute of silence each: only in `make test-all`.
_LONG = {"cut"}
_A_DAY = 6
_STRIDE = 29  # no divisor of the number of cells: neighbours in the list are of different days


class Cell(NamedTuple):
    kind: str
    fault: str
    moment: Moment

    def __str__(self) -> str:
        return f"{self.kind}-{self.fault}-{self.moment}"


def cells() -> list[Cell]:
    """All of the matrix that a fault can be felt in."""
    every = [Cell(kind, fault, moment) for fault in FAULTS for moment in Moment for kind in KINDS]
    return [cell for cell in every if not _without_effect(cell)]


def _without_effect(cell: Cell) -> bool:
    """restic has ended at `summary`; a restore writes its lock to the repository's disk, and that at the start."""
    if cell.moment is Moment.SUMMARY:
        return cell.fault in {"restic", "disk"}
    return (cell.kind, cell.fault, cell.moment) == ("restore", "disk", Moment.MIDDLE)


def of_the_day(day: date) -> set[Cell]:
    """A part that `make test` runs: another one each day, all of them in turn."""
    quick = [cell for cell in cells() if cell.fault not in _LONG]
    first = day.toordinal() * _A_DAY
    return {quick[(first + number) * _STRIDE % len(quick)] for number in range(_A_DAY)}


def today() -> date:
    """SBS_FAULT_DAY (2026-11-23) repeats another day's part; default: the date in UTC."""
    given = os.environ.get("SBS_FAULT_DAY")  # env: whoever looks into a failure of another day
    return date.fromisoformat(given) if given else datetime.now(UTC).date()
