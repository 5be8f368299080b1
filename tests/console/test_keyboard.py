"""The main job without a mouse: a place, a job, a backup, a restore; where the focus is can be seen at each step."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.console.pages import fresh, go, status, step_is, title
from tests.console.test_palette import palette, take
from tests.console.visit import Visit
from tests.harness.installation import Agent, Installation
from tests.harness.witness import snapshots

_FARTHEST = 60
# A ring, a shadow, or the border of a field that is typed into.
_SEEN = """element => {
    const style = getComputedStyle(element)
    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
    return ring || style.boxShadow !== "none" || element.matches("input:not([type=checkbox], [type=radio]), textarea")
}"""


def tab_to(visit: Visit, control: Locator) -> None:
    """Goes there by Tab alone. Raises AssertionError when it can't be reached, or the focus can't be seen on it."""
    expect(control).to_be_visible()
    for _ in range(_FARTHEST):
        if control.evaluate("element => element === document.activeElement"):
            assert control.evaluate(_SEEN), f"the focus can't be seen on {control}"
            return
        visit.page.keyboard.press("Tab")
    pytest.fail(f"{control} is not reached by Tab")


def press(visit: Visit, control: Locator) -> None:
    tab_to(visit, control)
    visit.page.keyboard.press("Enter")


def write(visit: Visit, control: Locator, words: str) -> None:
    tab_to(visit, control)
    visit.page.keyboard.type(words)


def pick(visit: Visit, label: str, name: str) -> None:
    """Takes a choice of a field that lists them."""
    write(visit, visit.page.get_by_role("combobox", name=label, exact=True), name)
    option = visit.page.get_by_role("option", name=name, exact=True)
    expect(option).to_be_visible()
    for _ in range(_FARTHEST):
        if option.get_attribute("data-combobox-selected") == "true":
            break
        visit.page.keyboard.press("ArrowDown")
    visit.page.keyboard.press("Enter")
    visit.page.keyboard.press("Escape")


@pytest.mark.timeout(300)
def test_the_main_job_is_done_without_a_mouse(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    go(console, installation)
    place = make_repository(console, installation)
    file = agent.write("keyboard.txt", b"typed")
    name = make_job(console, agent, file, place)
    press(console, console.button("jobs.runNow"))
    expect(status(console, "succeeded")).to_be_visible()
    (run,) = installation.api.all("/runs", job_id=installation.api.named("/jobs", name)["id"])  # type: ignore[index]  # found
    assert len(snapshots(installation.restic_path(installation.api.get(f"/runs/{run['id']}")))) == 1
    target = agent.folder / "by keyboard"
    restore(console, target)
    expect(status(console, "succeeded")).to_be_visible()
    assert Path(f"{target}{file}").read_bytes() == b"typed"


def make_repository(visit: Visit, installation: Installation) -> str:
    name = fresh("Клавиши")
    take(visit, palette(visit, visit.text("repositories.create")), visit.text("repositories.create"))
    dialog = visit.page.get_by_role("dialog", name=visit.text("repositories.create"))
    write(visit, dialog.get_by_label(visit.text("field.name"), exact=True), name)
    path = str(installation.data_dir / "storage" / name)
    write(visit, dialog.get_by_label(visit.text("repositories.path"), exact=True), path)
    press(visit, dialog.get_by_role("button", name=visit.text("act.create"), exact=True))
    expect(title(visit, name)).to_be_visible()
    return name


def make_job(visit: Visit, agent: Agent, source: Path, place: str) -> str:
    name = fresh("Без мыши")
    take(visit, palette(visit, visit.text("jobs.create")), visit.text("jobs.create"))
    write(visit, visit.field("field.name"), name)
    write(visit, visit.field("jobs.sources"), str(source))
    press(visit, visit.button("wizard.next"))
    step_is(visit, "jobs.step.where")
    pick(visit, visit.text("pages.agents"), agent.api.get(f"/agents/{agent.id}")["name"])
    pick(visit, visit.text("pages.repositories"), place)
    press(visit, visit.button("wizard.next"))
    step_is(visit, "jobs.step.when")
    press(visit, visit.button("wizard.next"))
    step_is(visit, "jobs.step.summary")
    press(visit, visit.button("jobs.create"))
    expect(title(visit, name)).to_be_visible()
    return name


def restore(visit: Visit, target: Path) -> None:
    press(visit, visit.page.get_by_role("link", name=visit.text("runs.openSnapshot")).first)
    press(visit, visit.page.get_by_role("link", name=visit.text("restore.start"), exact=True))
    step_is(visit, "restore.step.files")
    tab_to(visit, visit.page.get_by_role("radio", name=visit.text("restore.someFiles")))
    visit.page.keyboard.press("ArrowDown")
    press(visit, visit.button("wizard.next"))
    step_is(visit, "restore.step.target")
    write(visit, visit.page.get_by_label(re.compile("^Folder on")), str(target))
    tab_to(visit, visit.page.get_by_role("radio", name=visit.text("policy.refuse.name"), exact=True))
    visit.page.keyboard.press("Space")
    press(visit, visit.button("wizard.next"))
    step_is(visit, "restore.step.summary")
    press(visit, visit.button("restore.begin"))
