"""The job's wizard: what is typed is what the job is; drafts last; the server's word stands at its field."""

import re
from typing import Any

from playwright.sync_api import expect

from tests.console.behind import schedule
from tests.console.pages import choose, fresh, go, next_step, step_is, title
from tests.console.visit import Visit
from tests.harness.installation import Agent, Installation

NEW = "/jobs/new"


def what(visit: Visit, name: str, sources: str) -> None:
    """The first step."""
    visit.field("field.name").fill(name)
    visit.field("jobs.sources").fill(sources)
    next_step(visit)


def where(visit: Visit, agent: str, repository: str) -> None:
    """The second step."""
    step_is(visit, "jobs.step.where")
    choose(visit, visit.text("pages.agents"), agent)
    choose(visit, visit.text("pages.repositories"), repository)
    next_step(visit)
    step_is(visit, "jobs.step.when")


def name_of(installation: Installation, agent: Agent) -> str:
    return str(installation.api.get(f"/agents/{agent.id}")["name"])


def job_named(installation: Installation, name: str) -> dict[str, Any]:
    found = installation.api.named("/jobs", name)
    assert found is not None
    return dict(installation.api.get(f"/jobs/{found['id']}"))


def test_what_the_wizard_was_told_is_what_the_job_is(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    place, name = installation.repository(), fresh("Бумаги")
    go(console, installation, NEW)
    console.field("jobs.excludes").fill("*.tmp\n/srv/cache")
    console.field("jobs.includes").fill("*.odt")
    console.page.get_by_text(console.text("compression.max"), exact=True).click()
    what(console, name, f"{agent.folder}/documents\n\n  /srv/прочее ")
    where(console, name_of(installation, agent), place["name"])
    for day in ("SAT", "SUN"):
        console.page.get_by_role("group", name=console.text("jobs.days")).get_by_text(
            console.text(f"days.{day}"), exact=True
        ).click()
    console.field("jobs.time").fill("22:05")
    choose(console, console.text("jobs.timeZone"), "Asia/Tokyo")
    console.field("jobs.keepCount").fill("7")
    planned(console, installation, "5 22 * * MON-FRI", "Asia/Tokyo")
    next_step(console)
    step_is(console, "jobs.step.summary")
    said = console.page.get_by_role("main")
    for words in ("22:05", "Asia/Tokyo", name_of(installation, agent), place["name"], "/srv/прочее", "*.tmp"):
        expect(said).to_contain_text(words)
    expect(said).to_contain_text(console.text("jobs.sentenceKeep_other", count=7))
    assert installation.api.named("/jobs", name) is None
    console.button("jobs.create").click()

    expect(title(console, name)).to_be_visible()
    job = job_named(installation, name)
    assert job["sources"] == [f"{agent.folder}/documents", "/srv/прочее"]
    assert (job["excludes"], job["includes"]) == (["*.tmp", "/srv/cache"], ["*.odt"])
    assert (job["cron"], job["time_zone"]) == ("5 22 * * MON-FRI", "Asia/Tokyo")
    assert (job["keep_last"], job["compression"]) == (7, "max")
    assert (job["agent_ids"], job["repository_ids"]) == ([agent.id], [place["id"]])


def planned(visit: Visit, installation: Installation, cron: str, zone: str) -> None:
    """The preview names the runs that the server reckons, by the clock of the job's own zone."""
    reckoned = installation.api.post(
        "/schedules/preview", {"cron": cron, "time_zone": zone, "offset_s": 0, "count": 20}
    )
    shown = visit.page.get_by_role("list", name=visit.text("jobs.nextRuns")).get_by_role("listitem")
    expect(shown).to_have_count(len(reckoned["runs"]))
    expect(shown.first).to_contain_text("22:05")


def test_a_draft_outlives_a_reload_and_is_gone_when_thrown_away(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    place, name = installation.repository(), fresh("Черновик")
    go(console, installation, NEW)
    what(console, name, "/srv/черновик")
    where(console, name_of(installation, agent), place["name"])
    console.field("jobs.time").fill("03:17")
    console.page.reload()
    step_is(console, "jobs.step.when")
    expect(console.field("jobs.time")).to_have_value("03:17")
    console.button("wizard.back").click()
    expect(console.page.get_by_text(place["name"], exact=True)).to_be_visible()
    console.button("wizard.back").click()
    expect(console.field("field.name")).to_have_value(name)
    expect(console.field("jobs.sources")).to_have_value("/srv/черновик")
    console.button("wizard.discard").click()
    expect(console.field("field.name")).to_have_value("")
    console.page.reload()
    expect(console.field("field.name")).to_have_value("")


def test_each_step_is_looked_at_by_the_server_before_the_next(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    console.expect("422 POST .*/(jobs/check|schedules/preview)$")
    place, name = installation.repository(), fresh("Отказ")
    go(console, installation, NEW)
    what(console, name, "documents")
    expect(console.field("jobs.sources")).to_have_accessible_description(re.compile("not an absolute path"))
    step_is(console, "jobs.step.what")
    what(console, name, "/srv/documents")
    step_is(console, "jobs.step.where")
    next_step(console)
    expect(console.page.get_by_role("combobox", name=console.text("pages.agents"))).to_have_attribute(
        "aria-invalid", "true"
    )
    where(console, name_of(installation, agent), place["name"])
    choose(console, console.text("jobs.schedule"), console.text("modes.cron"))
    console.field("jobs.cron").fill("99 2 * * *")
    next_step(console)
    expect(console.field("jobs.cron")).to_have_accessible_description(re.compile("minute, can't be 99"))
    step_is(console, "jobs.step.when")
    assert installation.api.named("/jobs", name) is None


def test_a_name_that_was_taken_meanwhile_leads_back_to_its_field(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    place, name = installation.repository(), fresh("Занято")
    go(console, installation, NEW)
    what(console, name, "/srv/documents")
    where(console, name_of(installation, agent), place["name"])
    next_step(console)
    step_is(console, "jobs.step.summary")
    other = installation.job(agent.id, [agent.folder], name=name)
    console.expect("4(09|22) POST .*/jobs$")
    console.button("jobs.create").click()
    step_is(console, "jobs.step.what")
    expect(console.field("field.name")).to_have_accessible_description(re.compile("has this name"))
    console.field("field.name").fill(f"{name} 2")
    for _ in range(3):
        next_step(console)
    console.button("jobs.create").click()
    expect(title(console, f"{name} 2")).to_be_visible()
    assert job_named(installation, name)["id"] == other["id"]


def test_an_edit_changes_the_job_and_its_schedule(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    job = installation.job(agent.id, [agent.folder], cron="0 1 * * *", time_zone="UTC")
    go(console, installation, f"/jobs/{job['id']}/edit")
    what(console, job["name"], "/srv/другое")
    step_is(console, "jobs.step.where")
    next_step(console)
    step_is(console, "jobs.step.when")
    console.field("jobs.time").fill("04:30")
    next_step(console)
    step_is(console, "jobs.step.summary")
    console.button("act.save").click()
    expect(title(console, job["name"])).to_be_visible()
    after = installation.api.get(f"/jobs/{job['id']}")
    assert (after["sources"], after["cron"]) == (["/srv/другое"], "30 4 * * *")
    planned = schedule(installation, job["id"])
    assert planned is not None


def test_who_would_save_over_anothers_change_is_told(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    job = installation.job(agent.id, [agent.folder])
    go(console, installation, f"/jobs/{job['id']}/edit")
    what(console, job["name"], "/srv/mine")
    step_is(console, "jobs.step.where")
    installation.api.patch(f"/jobs/{job['id']}", {"sources": ["/srv/theirs"]})
    next_step(console)
    step_is(console, "jobs.step.when")
    next_step(console)
    step_is(console, "jobs.step.summary")
    console.expect("412 PATCH .*/jobs/")
    console.button("act.save").click()
    expect(console.page.get_by_role("main").get_by_role("alert")).to_be_visible()
    assert installation.api.get(f"/jobs/{job['id']}")["sources"] == ["/srv/theirs"]
    # Thrown away, the form begins with what the job is by now.
    console.button("wizard.discard").click()
    expect(console.field("jobs.sources")).to_have_value("/srv/theirs")
