"""Faults: what strikes in the middle of a run, and how what it broke comes back."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psutil

from demo.api import has_ended
from demo.waiting import until
from tests.harness.cable import Cable
from tests.harness.disk import SmallDisk
from tests.harness.installation import Agent, Installation
from tests.harness.witness import kill, processes_of, wait_for_another

Mend = Callable[[], None]

COMPONENTS = ("worker", "bus", "api", "gateway", "nats", "temporal", "postgres", "valkey", "traefik")
_CUT_S, _LAST_WORDS_S = 60, 5
_FULL_S = 150
_GONE_S = 30


@dataclass(frozen=True, slots=True)
class Place:
    """Everything that a fault may strike."""

    installation: Installation
    agent: Agent
    cable: Cable
    disk: SmallDisk | None


def strike(fault: str, place: Place, restic: psutil.Process, run: dict[str, Any]) -> Mend:
    """Does the damage now; what is returned is called once everything else goes on."""
    match fault:
        case "agent":
            return _agent(place, restic)
        case "restic":
            restic.kill()
            return lambda: None
        case "cut":
            return _cut(place)
        case "disk":
            return _disk(place, run)
        case "supervisor":
            return _supervisor(place)
        case _:
            return _component(place, fault)


def _component(place: Place, name: str) -> Mend:
    killed = kill(place.installation, name)

    def mend() -> None:
        wait_for_another(place.installation, name, killed)
        place.installation.settle()

    return mend


def _agent(place: Place, restic: psutil.Process) -> Mend:
    if restic.status() != psutil.STATUS_ZOMBIE:
        # Or finding none afterwards would say nothing.
        assert restic.pid in processes_of(place.agent, "restic")
    place.agent.kill()

    def mend() -> None:
        try:
            restic.wait(_GONE_S)
            assert processes_of(place.agent, "restic") == []
        finally:
            place.agent.start()

    return mend


def _supervisor(place: Place) -> Mend:
    place.installation.supervised.kill()

    def mend() -> None:
        place.installation.supervised.start()
        place.installation.settle()

    return mend


def _cut(place: Place) -> Mend:
    """The agent's network is away for a minute: that is the fault itself, nothing is waited for."""
    stack, began = ExitStack(), time.monotonic()
    stack.enter_context(place.cable.cut())

    def passed_by(seconds: float) -> int:
        """What had come through so long after the cut."""
        until(lambda: True if time.monotonic() >= began + seconds else None, _CUT_S + 10, "time to pass")
        return place.cable.passed

    def mend() -> None:
        with stack:
            last_words = passed_by(_LAST_WORDS_S)
            assert passed_by(_CUT_S) == last_words, "the network was not cut"

    return mend


def _disk(place: Place, run: dict[str, Any]) -> Mend:
    """No space is left where the repository lies, until an attempt has failed of it or the run has ended."""
    disk = place.disk
    assert disk is not None
    disk.fill()

    def felt() -> bool | None:
        now = place.installation.api.get(f"/runs/{run['id']}")
        failed = any(attempt["result"] == "failed" for attempt in now["attempts"])
        return True if failed or has_ended(now) else None

    def mend() -> None:
        try:
            until(felt, _FULL_S, "the full disk to be felt")
        finally:
            disk.free()

    return mend
