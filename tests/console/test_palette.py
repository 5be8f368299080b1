"""The command palette: finds objects and acts, by keyboard alone."""

import re

from playwright.sync_api import Locator, expect

from tests.console.pages import go, status, title
from tests.console.visit import Visit
from tests.harness.installation import Agent, Installation
from tests.harness.witness import snapshots


def palette(visit: Visit, words: str) -> Locator:
    """Opens it and types; gives back what it found."""
    visit.page.keyboard.press("Control+k")
    expect(visit.page.get_by_role("textbox", name=visit.text("palette.placeholder"))).to_be_focused()
    visit.page.keyboard.type(words)
    return visit.page.get_by_role("dialog")


def take(visit: Visit, found: Locator, name: str) -> None:
    """Goes down to the entry of this name with the arrow key and takes it."""
    entry = found.get_by_role("button", name=name, exact=True).or_(
        found.get_by_role("option", name=name, exact=True)
    )
    expect(entry).to_be_visible()
    for _ in range(20):
        if entry.get_attribute("data-selected") == "true":
            break
        visit.page.keyboard.press("ArrowDown")
    expect(entry).to_have_attribute("data-selected", "true")
    visit.page.keyboard.press("Enter")


def test_objects_are_found_by_a_part_of_their_names(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    job = installation.job(agent.id, [agent.folder])
    place = installation.repository()
    go(console, installation)
    take(console, palette(console, job["name"].removeprefix("job ")), job["name"])
    expect(title(console, job["name"])).to_be_visible()
    take(console, palette(console, place["name"].removeprefix("place ").upper()), place["name"])
    expect(title(console, place["name"])).to_be_visible()
    take(console, palette(console, console.text("pages.snapshots")), console.text("pages.snapshots"))
    expect(title(console, console.text("pages.snapshots"))).to_be_visible()


def test_a_job_is_run_from_anywhere(installation: Installation, console: Visit, agent: Agent) -> None:
    job = installation.job(agent.id, [agent.write("palette.txt", b"palette")])
    go(console, installation, "/snapshots")
    take(console, palette(console, job["name"]), console.text("palette.runJob", name=job["name"]))
    expect(console.page).to_have_url(re.compile("/runs/"))
    expect(status(console, "succeeded")).to_be_visible()
    (run,) = installation.api.all("/runs", job_id=job["id"])
    assert len(snapshots(installation.restic_path(installation.api.get(f"/runs/{run['id']}")))) == 1
