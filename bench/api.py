"""The main lists of the API on growing numbers of rows: p50, p99 and requests a second, against the empty request.

Real PostgreSQL, real api process, through Traefik over TLS. /healthz of the same process is the floor: what TLS,
Traefik, the framework and our own client take when nobody asks the database. Every size is measured with the same
requests, so that the curve shows what grows.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from bench.api_rows import Roles, Rows, shares
from bench.benchmark import Benchmark, Tools
from bench.deep_pages import CURSOR, OFFSET, DeepPages
from bench.load import Caller, Sample
from bench.results import Metric, compared, percentile, summarised
from bench.rounds import Say, take_turns
from tests.harness.installation import EMAIL, Installation, installed

FLOOR = "healthz"


@dataclass(frozen=True, slots=True)
class Sizes:
    """Rows are measured at a hundredth, a tenth and all of `rows`."""

    rows: int
    agents: int
    organizations: int
    warnings: int
    rounds: int
    requests: int
    connections: int
    load_s: int


def measure(sizes: Sizes, tools: Tools) -> list[Metric]:
    """All lists at three sizes."""
    found: list[Metric] = []
    with _prepared(tools) as (installation, runner, roles):
        organization = UUID(installation.api.organization_id)
        rows = Rows(roles.migrator, roles.owner, shares(organization, sizes.agents, sizes.organizations))
        runner.run(rows.begin(organization))
        pages = DeepPages(roles.app, organization)
        caller = Caller(installation.url, installation.root_certificate)
        caller.sign_in(EMAIL, installation.password)
        for count in (max(100, sizes.rows // 100), max(100, sizes.rows // 10), sizes.rows):
            tools.say(f"{count} runs")
            runner.run(rows.grow(count))
            run = runner.run(rows.run_with_warnings(organization, sizes.warnings))
            found += _lists(caller, _paths(caller, organization, run), count, sizes, tools.say)
            times = runner.run(pages.measure(count // 2, sizes.rounds * 5, tools.say))
            title = f"SQL of a page in the middle of the runs: {CURSOR} against {OFFSET}, {count:,} runs"
            found.append(compared(title, "ms", _ms(times[CURSOR]), _ms(times[OFFSET])))
    return _curves(found)


def _curves(metrics: list[Metric]) -> list[Metric]:
    """The sizes of each number under each other, the numbers in the order in which they came."""
    names = [metric.metric.rpartition(", ")[0] for metric in metrics]
    return [
        metric
        for _, metric in sorted(zip(names, metrics, strict=True), key=lambda pair: names.index(pair[0]))
    ]


def _lists(caller: Caller, paths: dict[str, str], count: int, sizes: Sizes, say: Say) -> list[Metric]:
    def sample(path: str) -> Sample:
        return caller.sample(path, sizes.requests, sizes.connections, sizes.load_s)

    ways = {name: partial(sample, path) for name, path in {FLOOR: "/healthz", **paths}.items()}
    samples = take_turns(ways, sizes.rounds, say)
    return [metric for name in paths for metric in _metrics(name, samples[name], samples[FLOOR], count)]


def _metrics(name: str, ours: list[Sample], floor: list[Sample], count: int) -> list[Metric]:
    rows = f"{count:,} runs"
    mine, theirs = ([_ms(sample.seconds) for sample in side] for side in (ours, floor))
    middles = [[percentile(times, 50) for times in side] for side in (mine, theirs)]
    everything = [[time for times in side for time in times] for side in (mine, theirs)]
    rates = [[sample.per_second for sample in side] for side in (ours, floor)]
    return [
        compared(f"{name}: p50, {rows}", "ms", *middles),
        summarised(f"{name}: p99, {rows}", "ms", partial(percentile, percent=99), *everything),
        compared(f"{name}: requests a second, {rows}", "/s", *rates),
    ]


def _paths(caller: Caller, organization: UUID, run: UUID) -> dict[str, str]:
    """The lists that people look at, with what is there to filter by."""
    root = f"/api/v1/organizations/{organization}"
    some = caller.get(f"{root}/runs?limit=1")["items"][0]
    last = caller.get(f"{root}/runs?limit=1&sort=created_at")["items"][0]["created_at"]
    first = some["created_at"]
    middle = caller.get(f"{root}/runs?limit=1&created_to={_between(last, first)}")["next_cursor"]
    return {
        "runs": f"{root}/runs",
        "runs, a page in the middle": f"{root}/runs?cursor={middle}",
        "runs of a job": f"{root}/runs?job_id={some['job_id']}",
        "runs of an agent": f"{root}/runs?agent_id={some['agent_id']}",
        "failed runs": f"{root}/runs?state=failed",
        "warnings of a run": f"{root}/runs/{run}/warnings",
        "snapshots": f"{root}/snapshots",
        "snapshots of an agent": f"{root}/snapshots?agent_id={some['agent_id']}",
        "agents": f"{root}/agents",
        "agents by a part of the name": f"{root}/agents?q=0042",
        "jobs": f"{root}/jobs",
        "overview": f"{root}/overview",
    }


def _between(early: str, late: str) -> str:
    """The middle of two times, as an address can hold it."""
    first, last = (datetime.fromisoformat(text).astimezone(UTC) for text in (early, late))
    return (first + (last - first) / 2).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def _prepared(tools: Tools) -> Iterator[tuple[Installation, asyncio.Runner, Roles]]:
    """A platform, and its database as the roles that it takes here."""
    with installed({"SBS_RESTIC": str(tools.restic)}) as installation, asyncio.Runner() as runner:
        roles = runner.run(Roles.connect(installation.services.settings.database))
        try:
            yield installation, runner, roles
        finally:
            runner.run(roles.close())


def _ms(seconds: list[float]) -> list[float]:
    return [1000 * one for one in seconds]


BENCHMARK = Benchmark(
    "api",
    "the main lists on a million runs, and how they grow, against the empty request",
    sizes=Sizes(
        rows=1_000_000,
        agents=10_000,
        organizations=6,
        warnings=10_000,
        rounds=5,
        requests=100,
        connections=8,
        load_s=3,
    ),
    quick=Sizes(
        rows=3000, agents=100, organizations=3, warnings=200, rounds=1, requests=3, connections=2, load_s=1
    ),
    measure=measure,
)
