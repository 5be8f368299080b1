"""A run while it works: what its page says of restic is what restic is doing, and stopping it stops restic."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Locator, expect

from demo.waiting import until
from tests.console.pages import confirm, go, mark, marked, section, status
from tests.console.visit import Visit
from tests.harness.installation import Agent, Installation
from tests.harness.moments import Copies, Packs, Traces
from tests.harness.witness import component, locks, restic_of, snapshots, standing_still

FILES, SIZE = 8, 24 * 2**20
OFTEN_S = 0.003


@pytest.fixture(scope="module")
def large(agent: Agent) -> Path:
    """Files that restic takes a while for."""
    for number in range(FILES):
        agent.write(f"large/том {number}.bin", os.urandom(SIZE))
    return agent.folder / "documents" / "large"


@contextmanager
def at_work(
    installation: Installation, agent: Agent, traces: Traces, told: Locator
) -> Iterator[psutil.Process]:
    """restic has moved a part and stands still, and the page has heard of that; goes on when the block ends.

    While the gateway stands still restic can't come to its end, however quick it is, and tells how far it is.
    """
    what = f"restic {traces.command}"
    restic = until(lambda: restic_of(agent, traces.command), 60, f"{what} to be started", pause_s=OFTEN_S)
    until(lambda: True if traces.some() else None, 60, f"{what} to move a part", pause_s=OFTEN_S)
    with standing_still(component(installation, "gateway")):
        expect(told).to_contain_text(re.compile(r"[1-9][\d.]*\sMB"))
        with standing_still(restic):
            assert traces.some(), f"{what} was too quick"
            yield restic


def says_how_far(visit: Visit, folder: Path) -> None:
    """The page names what there is to do, how fast it goes, and a file of this folder."""
    progress = section(visit, "runs.progress")
    expect(progress).to_contain_text("of 201\u00a0MB")
    expect(progress).to_contain_text(f"of {FILES} files")
    expect(progress).to_contain_text(re.compile(r"\d\s[kM]B/s"))
    expect(progress).to_contain_text(re.compile(re.escape(str(folder)) + r"/том \d\.bin"))


def test_a_backup_is_watched_and_stopped_in_the_middle(
    installation: Installation, console: Visit, agent: Agent, large: Path
) -> None:
    job = installation.job(agent.id, [large])
    go(console, installation, f"/jobs/{job['id']}")
    mark(console)
    console.button("jobs.runNow").click()
    expect(status(console, "running")).to_be_visible()
    run = installation.api.get(f"/runs/{console.page.url.rpartition('/')[2]}")
    packs = Packs(lambda: installation.restic_path(installation.api.get(f"/runs/{run['id']}")))
    progress = section(console, "runs.progress")
    with at_work(installation, agent, packs, progress) as restic:
        says_how_far(console, large)
        console.button("runs.cancel").click()
        confirm(console, "runs.cancel")
        expect(status(console, "cancelling")).to_be_visible()
    expect(status(console, "cancelled")).to_be_visible()
    expect(progress).to_have_count(0)
    assert marked(console)
    ended = installation.ended(run)
    assert ended["state"] == "cancelled"
    assert not restic.is_running()
    assert restic_of(agent, "backup") is None
    path = installation.restic_path(ended)
    assert (locks(path), snapshots(path)) == (set(), set())
    # What comes next: the page offers to run it again, and that ends well.
    console.button("runs.again").click()
    expect(status(console, "succeeded")).to_be_visible(timeout=120_000)
    assert len(snapshots(path)) == 1


def corners(line: str) -> list[tuple[float, float]]:
    """Of an SVG path of straight lines."""
    return [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", line)]


def test_how_fast_a_run_goes_is_drawn_while_it_works(
    installation: Installation, console: Visit, agent: Agent, large: Path
) -> None:
    run = installation.start(installation.job(agent.id, [large]))
    go(console, installation, f"/runs/{run['id']}")
    progress = section(console, "runs.progress")
    plot = progress.get_by_role("figure")
    line = plot.locator("path").last
    packs = Packs(lambda: installation.restic_path(installation.api.get(f"/runs/{run['id']}")))
    until(lambda: restic_of(agent, "backup"), 60, "restic to be started", pause_s=OFTEN_S)
    until(lambda: True if packs.some() else None, 60, "restic to move a part", pause_s=OFTEN_S)
    # The gateway takes nothing meanwhile: restic can't come to its end before the page has heard of it twice.
    with standing_still(component(installation, "gateway")):
        expect(line).to_have_attribute("d", re.compile(r"^M0 [\d.]+( L[\d.]+ [\d.]+)+$"))
        drawn = corners(line.get_attribute("d") or "")
        assert [x for x, _ in drawn] == sorted(x for x, _ in drawn)
        assert drawn[-1][0] == 100, "the line ends at the right edge"
        assert min(y for _, y in drawn) == 0, "its fastest moment touches the upper edge"
        box = line.bounding_box()
        assert box is not None
        assert box["width"] > 100, "it is as wide as its place"
        expect(plot).to_contain_text(re.compile(r"\d\s[kM]B/s"))
    expect(status(console, "succeeded")).to_be_visible(timeout=120_000)
    expect(plot).to_have_count(0)


def test_a_restore_is_watched_to_its_end(
    installation: Installation, console: Visit, agent: Agent, large: Path
) -> None:
    backup = installation.back_up(installation.job(agent.id, [large]))
    target = agent.folder / "large again"
    run = installation.start_restore(backup, target, "refuse")
    go(console, installation, f"/runs/{run['id']}")
    copies = Copies(large, target)
    with at_work(installation, agent, copies, section(console, "runs.progress")):
        expect(section(console, "runs.progress")).to_contain_text("of 201\u00a0MB")
        expect(section(console, "runs.restore")).to_contain_text(str(target))
    expect(status(console, "succeeded")).to_be_visible(timeout=120_000)
    assert copies.everything()
