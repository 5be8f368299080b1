"""Faults in the middle of backups and restores: the run goes on by itself, and nothing is lost, doubled or left.

Only the death of the agent or of restic, or a full disk, may fail an attempt, which is then repeated.
"""

import os
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.faults.aftermath import assert_attempts, assert_backed_up, assert_nothing_left, assert_restored
from tests.faults.matrix import Cell, cells, of_the_day, today
from tests.harness.disk import may_mount
from tests.harness.faults import Place, strike
from tests.harness.moments import Copies, Moment, Packs, held

_FILES, _FILE_BYTES = 12, 16 * 2**20
_TODAY = of_the_day(today())


def _of(kind: str) -> list[Any]:
    chosen = [cell for cell in cells() if cell.kind == kind]
    return [pytest.param(cell, id=f"{cell.fault}-{cell.moment}", marks=_marks(cell)) for cell in chosen]


def _marks(cell: Cell) -> list[pytest.MarkDecorator]:
    marks = [] if cell in _TODAY else [pytest.mark.slow]
    if cell.fault == "disk":
        marks.append(pytest.mark.skipif(not may_mount(), reason="only root can mount a small disk to fill"))
    return marks


def _documents(place: Place, name: str) -> Path:
    """Fresh random data: nothing of it is in a repository yet."""
    for number in range(_FILES):
        place.agent.write(f"{name}/{number}", os.urandom(_FILE_BYTES))
    return place.agent.folder / "documents" / name


def _job(place: Place, documents: Path, fault: str) -> dict[str, Any]:
    if fault == "disk":
        assert place.disk is not None
        repository = place.installation.repository(place.disk.folder)
        return place.installation.job(place.agent.id, [documents], repository_ids=[repository["id"]])
    return place.installation.job(place.agent.id, [documents])


@pytest.fixture
def documents(place: Place, request: pytest.FixtureRequest) -> Iterator[Path]:
    made = _documents(place, str(request.node.callspec.id))
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize("cell", _of("backup"))
def test_a_backup_goes_on_after(cell: Cell, place: Place, documents: Path) -> None:
    installation, agent = place.installation, place.agent
    run = installation.start(_job(place, documents, cell.fault))
    traces = Packs(lambda: installation.restic_path(installation.api.get(f"/runs/{run['id']}")))
    with held(installation, agent, run, traces, cell.moment) as restic:
        mend = strike(cell.fault, place, restic, run)
    mend()
    ended = installation.ended(run)
    assert_backed_up(installation, ended)
    assert_attempts(ended, cell)
    target = agent.folder / f"back-{documents.name}"
    restored = installation.restore(ended, target, "refuse")
    assert_restored(restored, target, documents)
    assert_nothing_left(place, ended, restored)
    _drop(place, ended, target)


@pytest.fixture(scope="module")
def kept(place: Place) -> dict[str, dict[str, Any]]:
    """Backups that restores of this module read, by where they lie."""
    return {}


def _backed_up(place: Place, kept: dict[str, dict[str, Any]], fault: str) -> dict[str, Any]:
    where = "disk" if fault == "disk" else "storage"
    if where not in kept:
        documents = _documents(place, f"kept-{where}")
        kept[where] = place.installation.back_up(_job(place, documents, fault))
    return kept[where]


@pytest.mark.parametrize("cell", _of("restore"))
def test_a_restore_goes_on_after(cell: Cell, place: Place, kept: dict[str, dict[str, Any]]) -> None:
    installation, agent = place.installation, place.agent
    backup = _backed_up(place, kept, cell.fault)
    documents = agent.folder / "documents" / ("kept-disk" if cell.fault == "disk" else "kept-storage")
    target = agent.folder / f"restored-{cell}"
    run = installation.start_restore(backup, target, "refuse")
    with held(installation, agent, run, Copies(documents, target), cell.moment) as restic:
        mend = strike(cell.fault, place, restic, run)
    mend()
    ended = installation.ended(run)
    assert_restored(ended, target, documents)
    assert_attempts(ended, cell)
    assert_backed_up(installation, backup)
    assert_nothing_left(place, backup, ended)
    shutil.rmtree(target)


def _drop(place: Place, backup: dict[str, Any], target: Path) -> None:
    """What a test has made is large; a small disk has no room for the next one's beside it."""
    shutil.rmtree(target)
    path = place.installation.restic_path(backup)
    if place.disk is not None and path.is_relative_to(place.disk.folder):
        shutil.rmtree(path)


def test_every_fault_has_its_day() -> None:
    first = date(2026, 1, 1)
    seen = {cell for number in range(40) for cell in of_the_day(first + timedelta(days=number))}
    assert seen == {cell for cell in cells() if cell.fault != "cut"}


def test_a_day_has_both_kinds_of_runs() -> None:
    first = date(2026, 1, 1)
    for number in range(40):
        assert {cell.kind for cell in of_the_day(first + timedelta(days=number))} == {"backup", "restore"}
    assert Moment.MIDDLE in {cell.moment for cell in cells()}
