"""Faults one after the other, drawn from a seed."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.harness.cable import Cable
from tests.harness.faults import COMPONENTS
from tests.harness.installation import Agent, Installation
from tests.harness.witness import kill, wait_for_another

_QUIET_S = (3.0, 15.0)
_CUT_S = (5.0, 40.0)
# Nobody sets it: waiting for it lets time pass while the machines work.
_NEVER = threading.Event()
# The supervisor's restart takes everything away at once: rarely.
_OTHERS = ("agent", "agent", "cut", "cut", "supervisor")


@dataclass
class Chaos:
    """Draws a fault, does the damage, waits until the platform is whole again, rests, and draws the next."""

    installation: Installation
    agents: list[Agent]
    cable: Cable
    chance: random.Random
    say: Callable[[str], None]
    struck: Counter[str] = field(default_factory=Counter)

    def rage(self, end: float) -> None:
        """Until `end` (time.monotonic)."""
        while time.monotonic() < end:
            _NEVER.wait(self.chance.uniform(*_QUIET_S))
            fault = self.chance.choice((*COMPONENTS, *_OTHERS))
            self.say(f"fault: {fault}")
            self._strike(fault)
            self.struck[fault] += 1

    def _strike(self, fault: str) -> None:
        match fault:
            case "agent":
                agent = self.chance.choice(self.agents)
                agent.kill()
                agent.start(wait=False)
            case "cut":
                with self.cable.cut():
                    _NEVER.wait(self.chance.uniform(*_CUT_S))
            case "supervisor":
                self.installation.supervised.kill()
                self.installation.supervised.start()
                self.installation.settle()
            case _:
                killed = kill(self.installation, fault)
                wait_for_another(self.installation, fault, killed)
                self.installation.settle()
