"""python -m bench [NAME…] [--quick]: measures, prints tables, writes bench/results/<name>.json and .md.

Without names everything is measured. --quick tries a benchmark with small sizes; its result goes nowhere, because a
small number would be taken for a real one: say --out to keep it.
"""

import argparse
import dataclasses
import datetime
import shlex
import shutil
import sys
import traceback
from pathlib import Path
from typing import Any

from bench import api, backup_overhead, gateway, platform_start, restore_overhead, start_latency
from bench.benchmark import Benchmark, Tools
from bench.errors import BenchError
from bench.host import machine, restic_binary, versions
from bench.results import Result, table
from demo.errors import DemoError

RESULTS = Path(__file__).resolve().parent / "results"
BENCHMARKS: tuple[Benchmark, ...] = (
    backup_overhead.BENCHMARK,
    restore_overhead.BENCHMARK,
    gateway.BENCHMARK,
    start_latency.BENCHMARK,
    platform_start.BENCHMARK,
    api.BENCHMARK,
)


def main(words: list[str]) -> int:
    """Exit code 0: everything that was asked for was measured, whether goals are met or not."""
    parser = _parser()
    given = parser.parse_args(words)
    unknown = set(given.names) - {benchmark.name for benchmark in BENCHMARKS}
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    given.restic = restic_binary(given.restic)
    if given.restic is None:
        parser.error("restic is not on PATH: name it with --restic or SBS_RESTIC")
    tools = _tools(given)
    chosen = [one for one in BENCHMARKS if not given.names or one.name in given.names]
    failed = []
    for benchmark in chosen:
        print(f"== {benchmark.name}: {benchmark.about}", flush=True)
        try:
            result = _measure(benchmark, given, tools, words)
        except (BenchError, DemoError) as error:
            print(f"bench: {benchmark.name}: {error}", file=sys.stderr)
            failed.append(benchmark.name)
            continue
        except Exception:  # noqa: BLE001 - hours of other measurements do not end with one that is broken
            traceback.print_exc()
            failed.append(benchmark.name)
            continue
        print(table(result.metrics))
        folder = given.out or (None if given.quick else RESULTS)
        if folder is not None:
            print(f"Result: {result.write(folder)}")
    return 1 if failed else 0


def _measure(benchmark: Benchmark, given: argparse.Namespace, tools: Tools, words: list[str]) -> Result:
    sizes = _sizes(benchmark, given)
    host, date = machine(), datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    metrics = benchmark.measure(sizes, tools)
    command = shlex.join(["python", "-m", "bench", *(words if given.names else [benchmark.name, *words])])
    parts = versions(tools.restic, tools.rclone)
    return Result(benchmark.name, command, date, host, parts, dataclasses.asdict(sizes), metrics)


def _sizes(benchmark: Benchmark, given: argparse.Namespace) -> Any:
    """The benchmark's own, except for what was said on the command line."""
    chosen = benchmark.quick if given.quick else benchmark.sizes
    said = {name: getattr(given, name) for name in dataclasses.asdict(chosen)}
    return dataclasses.replace(chosen, **{name: value for name, value in said.items() if value is not None})


def _tools(given: argparse.Namespace) -> Tools:
    def say(text: str) -> None:
        print(text, flush=True)

    rclone = given.rclone or shutil.which("rclone")
    return Tools(given.restic.resolve(), Path(rclone) if rclone else None, given.control_group, say)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    parser.add_argument("--out", type=Path, help="the folder of results (default: bench/results)")
    parser.add_argument("--restic", type=Path, help="default: $SBS_RESTIC, else the one on PATH")
    parser.add_argument("--rclone", type=Path, help="for gateway, to compare with; default: the one on PATH")
    parser.add_argument(
        "--control-group", type=Path, help="for platform-start: groups may be made in this one"
    )
    for field, users in _size_options().items():
        texts = ", ".join(f"{user.name} {getattr(user.sizes, field)}" for user in users)
        parser.add_argument(f"--{field.replace('_', '-')}", type=int, metavar="N", help=f"default: {texts}")
    return parser


def _size_options() -> dict[str, list[Benchmark]]:
    found: dict[str, list[Benchmark]] = {}
    for benchmark in BENCHMARKS:
        for field in dataclasses.fields(benchmark.sizes):
            found.setdefault(field.name, []).append(benchmark)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
