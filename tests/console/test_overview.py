"""The overview: what it counts and complains about is what there is, and it hears of changes by itself."""

from playwright.sync_api import Locator, expect

from tests.console.behind import rows
from tests.console.pages import go, mark, marked, section
from tests.console.scene import Scene
from tests.console.visit import Visit
from tests.harness.installation import Agent, Installation


def tile(visit: Visit, key: str) -> Locator:
    """The number that leads to a list."""
    return (
        visit.page.get_by_role("main")
        .get_by_role("link")
        .filter(has=visit.page.get_by_text(visit.text(key), exact=True))
    )


def attention(visit: Visit, name: str) -> Locator:
    """What the overview says about the object of this name."""
    return visit.page.get_by_role("main").locator("li[data-gravity]").filter(has_text=name)


def test_its_numbers_are_those_of_the_api(installation: Installation, console: Visit, scene: Scene) -> None:
    go(console, installation)
    known = installation.api.get("/overview")
    for key, number in {
        "pages.agents": known["agents"]["active"],
        "pages.jobs": known["jobs"]["total"],
        "pages.snapshots": known["snapshots"],
        "pages.repositories": known["repositories"]["total"],
    }.items():
        expect(tile(console, key)).to_contain_text(f"{number:,}")
    assert known["snapshots"] >= 2


def test_a_failed_job_appears_and_goes_when_it_is_mended(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    job = installation.job(agent.id, [agent.folder / "not there yet"])
    go(console, installation)
    expect(tile(console, "pages.jobs")).to_be_visible()
    mark(console)
    expect(attention(console, job["name"])).to_have_count(0)
    assert installation.back_up(job)["state"] == "failed"
    expect(attention(console, job["name"])).to_have_attribute("data-gravity", "critical")
    file = agent.folder / "not there yet"
    file.write_bytes(b"now it is")
    agent.give(file)
    assert installation.back_up(job)["state"] == "succeeded"
    expect(attention(console, job["name"])).to_have_count(0)
    assert marked(console)


def test_a_machine_that_is_silent_for_long_appears_and_goes_when_it_is_back(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    name = installation.api.get(f"/agents/{agent.id}")["name"]
    go(console, installation)
    expect(tile(console, "pages.agents")).to_contain_text(connected(console, installation))
    mark(console)
    agent.stop()
    try:
        agent.wait_connected(connected=False)
        expect(tile(console, "pages.agents")).to_contain_text(connected(console, installation))
        # A day later, as far as the platform knows; the next change of anything is when the page looks.
        query = "UPDATE agent SET last_seen_at = now() - interval '2 days' WHERE id = :id RETURNING id"
        assert rows(installation, query, id=agent.id)
        installation.repository()
        expect(attention(console, name)).to_have_attribute("data-gravity", "warning")
    finally:
        agent.start()
    expect(attention(console, name)).to_have_count(0)
    expect(tile(console, "pages.agents")).to_contain_text(connected(console, installation))
    assert marked(console)


def connected(visit: Visit, installation: Installation) -> str:
    number = installation.api.get("/overview")["agents"]["connected"]
    return visit.text("overview.connected_other", count=number)


def test_the_chart_can_be_read_out_and_each_day_leads_to_its_runs(
    installation: Installation, console: Visit, scene: Scene
) -> None:
    go(console, installation)
    days = section(console, "overview.days").get_by_role("link")
    expect(days).to_have_count(14)
    today = installation.api.get("/overview", time_zone="Europe/Moscow")["days"][-1]
    failed = console.text("ui:status.failed")
    said = days.last.inner_text()
    assert f"{failed}: {today['runs']['failed']}" in said
    assert console.text("overview.noRuns") in days.first.inner_text()
    days.last.click()
    expect(console.page).to_have_url(
        f"{console.url}/o/{installation.api.organization_id}/runs?day={today['day']}"
    )
    expect(console.page.locator(f"a[href$='{scene.failed['id']}']").first).to_be_visible()
