"""Faults while the control plane still prepares a run, before an agent hears of it: it makes a restic repository."""

from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from demo.waiting import until
from tests.faults.aftermath import assert_backed_up, assert_nothing_left
from tests.harness.faults import Place, strike
from tests.harness.installation import Installation
from tests.harness.witness import component, standing_still

_BEGIN_S, _GONE_S, _OFTEN_S = 60, 10, 0.003
_SLOW = pytest.mark.slow


def _restic_of_the_worker(worker: psutil.Process) -> psutil.Process | None:
    for child in worker.children(recursive=True):
        try:
            if child.cmdline()[1:2] == ["init"] and child.status() != psutil.STATUS_ZOMBIE:
                return child
        except psutil.Error:
            continue
    return None


@contextmanager
def _preparing(installation: Installation) -> Iterator[psutil.Process]:
    """restic in the middle of making a repository, standing still while the block runs."""
    worker = component(installation, "worker")
    what = "the worker's restic to make a repository"
    restic = until(lambda: _restic_of_the_worker(worker), _BEGIN_S, what, pause_s=_OFTEN_S)
    with standing_still(restic):
        yield restic


@pytest.mark.parametrize(
    "fault",
    ["worker", *(pytest.param(name, marks=_SLOW) for name in ("postgres", "temporal", "supervisor"))],
)
def test_a_run_is_prepared_again_after(fault: str, place: Place) -> None:
    installation = place.installation
    source = place.agent.write(f"{fault}/file", b"what is kept").parent
    run = installation.start(installation.job(place.agent.id, [source]))
    with _preparing(installation) as restic:
        mend = strike(fault, place, restic, run)
        if fault == "worker":
            restic.wait(_GONE_S)
    mend()
    ended = installation.ended(run)
    assert_backed_up(installation, ended)
    assert_nothing_left(place, ended)
