"""The list of runs, and what a run's page says when it has ended."""

import re

from playwright.sync_api import Locator, expect

from tests.console.pages import fact, go, row, section, status
from tests.console.scene import Scene
from tests.console.visit import Visit
from tests.harness.installation import Agent, Installation


def ids(visit: Visit) -> Locator:
    """Links to the runs that the table shows."""
    return visit.page.get_by_role("table", name=visit.text("pages.runs")).locator("a[href*='/runs/']")


def shown(visit: Visit, *runs: dict[str, object]) -> None:
    """Waits until the table shows these runs, newest first, and no others."""
    expect(ids(visit)).to_have_count(len(runs))
    found = [str(link.get_attribute("href")).rpartition("/")[2] for link in ids(visit).all()]
    assert found == [run["id"] for run in runs]


def chip(visit: Visit, group: str, name: str) -> Locator:
    return visit.page.get_by_role("group", name=visit.text(group)).get_by_text(visit.text(name), exact=True)


def test_the_lists_filters_are_in_the_address_and_do_what_they_say(
    installation: Installation, console: Visit, scene: Scene
) -> None:
    job = scene.job["id"]
    go(console, installation, f"/runs?job={job}")
    shown(console, scene.warned, scene.good)
    chip(console, "field.status", "ui:status.succeeded").click()
    shown(console, scene.good)
    expect(console.page).to_have_url(re.compile(f"job={job}.*state=succeeded|state=succeeded.*job={job}"))
    console.page.reload()
    shown(console, scene.good)
    chip(console, "runs.kind", "kinds.restore").click()
    expect(
        console.page.get_by_role("paragraph").filter(has_text=console.text("list.nothingFound"))
    ).to_be_visible()
    console.page.get_by_label(console.text("act.clear"), exact=True).click()
    expect(ids(console).first).to_be_visible()
    restores = list(installation.api.all("/runs", kind="restore", state="succeeded"))
    shown(console, *restores)


def test_a_run_opens_by_its_row(installation: Installation, console: Visit, scene: Scene) -> None:
    go(console, installation, f"/runs?job={scene.broken['id']}")
    row(console, scene.broken["name"]).get_by_role("cell").last.click()
    expect(console.page).to_have_url(re.compile(f"/runs/{scene.failed['id']}$"))
    expect(status(console, "failed")).to_be_visible()


def test_a_failed_run_says_why_what_to_do_and_what_happens_next(
    installation: Installation, console: Visit, scene: Scene
) -> None:
    go(console, installation, f"/runs/{scene.failed['id']}")
    told = console.page.get_by_role("main").get_by_role("alert")
    said = installation.api.get(f"/runs/{scene.failed['id']}")["error"]
    assert said["code"] == "source_missing"
    for words in (said["message"], said["hint"], console.text("runs.nextByHand")):
        expect(told).to_contain_text(words)
    installation.api.patch(f"/jobs/{scene.broken['id']}", {"cron": "0 1 * * *"})
    # The page learns of the schedule by itself.
    expect(told).to_contain_text(console.text("runs.nextAt").split("{{")[0])
    installation.api.patch(f"/jobs/{scene.broken['id']}", {"cron": None})
    expect(told).to_contain_text(console.text("runs.nextByHand"))


def test_the_timeline_is_what_the_platform_has_written_down(
    installation: Installation, console: Visit, scene: Scene
) -> None:
    go(console, installation, f"/runs/{scene.good['id']}")
    steps = installation.api.get(f"/runs/{scene.good['id']}/timeline")["steps"]
    shown = section(console, "runs.timeline").get_by_role("listitem")
    expect(shown).to_have_count(len(steps))
    for line, step in zip(shown.all_inner_texts(), steps, strict=True):
        assert step["label"]["message"] in line
        assert re.search(r"\d", line), line


def test_the_timeline_says_only_once_why_a_run_failed(
    installation: Installation, console: Visit, scene: Scene
) -> None:
    go(console, installation, f"/runs/{scene.failed['id']}")
    said = installation.api.get(f"/runs/{scene.failed['id']}")["error"]["message"]
    steps = installation.api.get(f"/runs/{scene.failed['id']}/timeline")["steps"]
    assert steps[-1]["error"]["message"] == said
    timeline = section(console, "runs.timeline")
    expect(timeline.get_by_role("listitem")).to_have_count(len(steps))
    expect(timeline.get_by_text(said, exact=True)).to_have_count(1)


def test_warnings_name_their_files_and_can_be_searched(
    installation: Installation, console: Visit, scene: Scene
) -> None:
    go(console, installation, f"/runs/{scene.warned['id']}")
    expect(status(console, "completed_with_warnings")).to_be_visible()
    table = console.page.get_by_role("table", name=console.text("runs.warningsTable"))
    for file in scene.closed:
        expect(table).to_contain_text(str(file))
        expect(row(console, str(file))).to_contain_text(console.text("warnings.unreadable"))
    console.page.get_by_role("searchbox", name=console.text("runs.searchWarnings")).fill("ПОЧТА")
    expect(table.get_by_role("row")).to_have_count(2)
    expect(table).to_contain_text("почта.db")
    console.page.reload()
    expect(table.get_by_role("row")).to_have_count(2)
    # Its snapshot says that it is not whole, and the files are not in it.
    console.page.get_by_role("link", name=console.text("runs.openSnapshot")).first.click()
    expect(status(console, "incomplete")).to_be_visible()
    expect(console.page.get_by_text(console.text("snapshots.incomplete"))).to_be_visible()


def test_a_result_is_what_the_api_counted(installation: Installation, console: Visit, scene: Scene) -> None:
    go(console, installation, f"/runs/{scene.good['id']}")
    result = installation.api.get(f"/runs/{scene.good['id']}")["targets"][0]["result"]
    expect(fact(console, "results.filesNew")).to_have_text(str(result["files_new"]))
    go(console, installation, f"/runs/{scene.restored['id']}")
    verified = installation.api.get(f"/runs/{scene.restored['id']}")["result"]["files_verified"]
    assert verified > 0
    expect(fact(console, "results.filesVerified")).to_have_text(str(verified))


def test_a_run_that_waits_for_its_machine_says_so_and_goes_on(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    job = installation.job(agent.id, [agent.write("later.txt", b"later")])
    agent.stop()
    try:
        agent.wait_connected(connected=False)
        run = installation.start(job)
        go(console, installation, f"/runs/{run['id']}")
        note = console.page.get_by_role("main").get_by_role("note")
        expect(note).to_contain_text(installation.api.get(f"/agents/{agent.id}")["name"])
        expect(note).to_contain_text(console.text("runs.offlineSince").split("{{")[0])
    finally:
        agent.start()
    expect(status(console, "succeeded")).to_be_visible()
    assert installation.ended(run)["state"] == "succeeded"
