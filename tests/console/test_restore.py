"""Restore: what was chosen comes back to the disk, and what is in its way is treated as was said."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.console.pages import choose, fact, fresh, go, next_step, row, section, status, step_is
from tests.console.scene import PLAIN, REPORT, SMILE, Scene
from tests.console.visit import Visit
from tests.harness.installation import Agent, Installation, enrolled


def at(target: Path, original: Path) -> Path:
    """Where a restored file lies: it keeps its path below the target."""
    return Path(f"{target}{original}")


def mark_file(visit: Visit, name: str) -> Locator:
    return visit.page.get_by_role("checkbox", name=visit.text("files.choose", name=name), exact=True)


def walk(visit: Visit, folder: Path) -> None:
    for part in folder.parts[1:]:
        visit.page.get_by_role("main").get_by_role("button", name=part, exact=True).click()


def target_field(visit: Visit) -> Locator:
    before, _, after = visit.text("restore.targetOn").partition("{{name}}")
    return visit.page.get_by_label(re.compile(f"^{re.escape(before)}.*{re.escape(after)}$"))


def policy(visit: Visit, name: str) -> None:
    visit.page.get_by_role("radio", name=visit.text(f"policy.{name}.name"), exact=True).check()


def test_chosen_files_come_back_as_they_were(
    installation: Installation, console: Visit, scene: Scene
) -> None:
    target = scene.agent.folder / "из консоли"
    go(console, installation, "/restore")
    choose(console, console.text("field.job"), scene.job["name"])
    expect(row(console, scene.job["name"])).to_have_count(2)
    row(console, scene.job["name"]).nth(1).get_by_role("button").first.click()
    step_is(console, "restore.step.files")
    next_step(console)
    expect(console.page.get_by_role("alert")).to_have_text(console.text("restore.missing.files"))
    walk(console, scene.documents)
    mark_file(console, PLAIN).check()
    console.page.get_by_role("button", name="Отчёты за год", exact=True).click()
    mark_file(console, Path(REPORT).name).check()
    next_step(console)
    step_is(console, "restore.step.target")
    target_field(console).fill(str(target))
    policy(console, "refuse")
    # A draft is kept here as well.
    console.page.reload()
    step_is(console, "restore.step.target")
    next_step(console)
    step_is(console, "restore.step.summary")
    for words in (str(target), str(scene.original(PLAIN)), str(scene.original(REPORT))):
        expect(console.page.get_by_role("main")).to_contain_text(words)
    assert not target.exists()
    console.button("restore.begin").click()

    expect(status(console, "succeeded")).to_be_visible()
    expect(fact(console, "results.filesVerified")).to_have_text("2")
    expect(section(console, "runs.restore")).to_contain_text(str(target))
    back = {str(path) for path in target.rglob("*") if path.is_file()}
    assert back == {str(at(target, scene.original(name))) for name in (PLAIN, REPORT)}
    for name in (PLAIN, REPORT):
        original = scene.original(name)
        assert at(target, original).read_bytes() == original.read_bytes()


@pytest.mark.parametrize(
    ("chosen", "state", "content", "beside"),
    [
        ("refuse", "failed", b"in the way", 0),
        ("skip", "succeeded", b"in the way", 0),
        ("overwrite", "succeeded", None, 0),
        ("keep_both", "succeeded", b"in the way", 1),
    ],
)
def test_a_file_in_the_way_is_treated_as_was_said(
    installation: Installation,
    console: Visit,
    scene: Scene,
    chosen: str,
    state: str,
    content: bytes | None,
    beside: int,
) -> None:
    """`content`: None for that of the backup."""
    original = scene.original(SMILE)
    target = scene.agent.folder / f"policy {chosen}"
    place = at(target, original)
    place.parent.mkdir(parents=True)
    place.write_bytes(b"in the way")
    scene.agent.give(target)
    go(console, installation, f"/snapshots/{scene.snapshot}?path={original.parent}")
    console.page.get_by_role("link", name=console.text("restore.startNamed", name=original.name)).click()
    step_is(console, "restore.step.target")
    target_field(console).fill(str(target))
    policy(console, chosen)
    next_step(console)
    warned = console.page.get_by_text(console.text("restore.overwriteWarning"))
    expect(warned).to_have_count(1 if chosen == "overwrite" else 0)
    expect(console.page.get_by_text(console.text(f"policy.{chosen}.text"))).to_be_visible()
    console.button("restore.begin").click()
    expect(status(console, state)).to_be_visible()
    assert place.read_bytes() == (original.read_bytes() if content is None else content)
    others = [path for path in place.parent.iterdir() if path != place]
    assert [path.read_bytes() for path in others] == [original.read_bytes()] * beside
    if state == "failed":
        expect(console.page.get_by_role("main").get_by_role("alert")).to_contain_text("already there")


def test_what_to_do_with_files_in_the_way_has_to_be_said(
    installation: Installation, console: Visit, scene: Scene
) -> None:
    before = len(list(installation.api.all("/runs", kind="restore")))
    go(console, installation, f"/restore?snapshot={scene.snapshot}")
    console.page.get_by_role("radio", name=console.text("restore.allFiles")).check()
    next_step(console)
    target_field(console).fill("relative")
    next_step(console)
    expect(console.page.get_by_role("alert")).to_have_text(console.text("restore.missing.target"))
    step_is(console, "restore.step.target")
    policy(console, "skip")
    next_step(console)
    step_is(console, "restore.step.summary")
    console.expect("422 POST .*/restores$")
    console.button("restore.begin").click()
    # The server's refusal leads back to its field.
    step_is(console, "restore.step.target")
    expect(target_field(console)).to_have_attribute("aria-invalid", "true")
    assert len(list(installation.api.all("/runs", kind="restore"))) == before


@pytest.fixture
def elsewhere(installation: Installation) -> Iterator[Agent]:
    """Another machine, which has backed up nothing."""
    with enrolled(installation) as machine:
        yield machine


def test_another_machine_restores_once_an_administrator_has_allowed_it_to_read(
    installation: Installation, console: Visit, scene: Scene, elsewhere: Agent
) -> None:
    name = fresh("Новая машина")
    installation.api.patch(f"/agents/{elsewhere.id}", {"name": name})
    names = {"name": name, "source": installation.api.get(f"/agents/{scene.agent.id}")["name"]}
    target = elsewhere.folder / "с другой машины"
    go(console, installation, f"/restore?snapshot={scene.snapshot}")
    console.page.get_by_role("radio", name=console.text("restore.allFiles")).check()
    next_step(console)
    step_is(console, "restore.step.target")
    choose(console, console.text("restore.machine"), name)
    target_field(console).fill(str(target))
    policy(console, "refuse")
    next_step(console)
    expect(console.page.get_by_role("alert")).to_have_text(console.text("restore.missing.allowed"))
    console.page.get_by_role("checkbox", name=console.text("restore.allow", **names), exact=True).check()
    next_step(console)
    step_is(console, "restore.step.summary")
    expect(console.page.get_by_role("note")).to_contain_text(console.text("restore.elsewhere", **names))
    console.button("restore.begin").click()

    expect(status(console, "succeeded")).to_be_visible(timeout=60_000)
    expect(console.page.get_by_role("main").get_by_role("link", name=name, exact=True)).to_be_visible()
    for file in (PLAIN, REPORT, SMILE):
        original = scene.original(file)
        assert at(target, original).read_bytes() == original.read_bytes()
