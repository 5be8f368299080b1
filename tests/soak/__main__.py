"""python -m tests.soak [--minutes 30] [--agents 3] [--seed N]: the platform under work and faults, then verified.

The seed is printed; the same one draws the same faults and changes, though not at the same instants. Exit code 0:
every run ended by itself, every snapshot is where it should be and the newest state of every machine came back whole.
"""

import argparse
import random
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

from tests.harness.cable import Cable
from tests.harness.installation import Installation, enrolled, installed
from tests.soak.chaos import Chaos
from tests.soak.patience import PatientApi
from tests.soak.verdict import verdict
from tests.soak.workload import RUN_S, Machine

# A backup and a restore may be at hand when the work is to end.
_LAST_RUNS_S = 2 * RUN_S + 200


def main() -> int:
    given = _arguments()
    # Whoever ends it leaves no platform behind: the way out is the ordinary one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {text}", flush=True)

    say(f"seed {given.seed}: {given.agents} agents, {given.minutes:g} minutes")
    cable = Cable()
    with ExitStack() as stack:
        stack.callback(cable.close)
        installation = stack.enter_context(installed(cable.environment))
        ports = installation.services.ports
        cable.join(ports["agents"], ports["nats_public"])
        machines = [
            Machine(
                stack.enter_context(enrolled(installation)), installation, random.Random(f"{given.seed} {n}")
            )
            for n in range(given.agents)
        ]
        for machine in machines:
            machine.prepare()
        chaos = Chaos(installation, [m.agent for m in machines], cable, random.Random(given.seed), say)
        _run(machines, chaos, given.minutes * 60)
        say("the newest states are restored")
        _bring_back(installation, machines)
        wrong = verdict(installation, machines)
        _report(machines, chaos, wrong, say)
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make soak", description="work and faults at random, then verified")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--agents", type=int, default=3)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    return parser.parse_args()


def _run(machines: list[Machine], chaos: Chaos, length_s: float) -> None:
    """Work and faults for so long, then the work's own end. What does not end is in its machine's diary."""
    stop = threading.Event()
    # Daemons: one that never ends must not keep the verdict from being the last word.
    workers = [threading.Thread(target=machine.work, args=(stop,), daemon=True) for machine in machines]
    for worker in workers:
        worker.start()
    try:
        chaos.rage(time.monotonic() + length_s)
    finally:
        stop.set()
    chaos.say("no more faults: the runs at hand come to their ends")
    end = time.monotonic() + _LAST_RUNS_S
    for machine, worker in zip(machines, workers, strict=True):
        worker.join(max(0.0, end - time.monotonic()))
        if worker.is_alive():
            machine.diary.wrong.append(f"{machine.agent.id} is still at work, {_LAST_RUNS_S} s later")


def _bring_back(installation: Installation, machines: list[Machine]) -> None:
    installation.settle()
    api = PatientApi(installation)
    for machine in machines:
        machine.bring_back(api)
    api.close()


def _report(machines: list[Machine], chaos: Chaos, wrong: list[str], say: Callable[[str], None]) -> None:
    backups = [run for machine in machines for run in machine.diary.backups]
    restores = [run for machine in machines for run in machine.diary.restores]
    repeated = sum(len(run["attempts"]) > 1 for run in (*backups, *restores))
    struck = ", ".join(f"{name} {count}" for name, count in sorted(chaos.struck.items()))
    say(f"faults: {chaos.struck.total()}{f' ({struck})' if struck else ''}")
    say(f"{len(backups)} backups, {len(restores)} restores, {repeated} of them with more than one attempt")
    for text in wrong:
        say(f"WRONG: {text}")
    say("everything was verified" if not wrong else f"{len(wrong)} things are wrong")


if __name__ == "__main__":
    sys.exit(main())
