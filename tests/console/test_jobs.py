"""Jobs: run, paused, resumed, deleted; each act is looked for in the repository, in Temporal, in the database."""

import pytest
from playwright.sync_api import expect

from demo.waiting import until
from tests.console.behind import schedule
from tests.console.pages import confirm, go, mark, marked, row, status, title
from tests.console.visit import Visit
from tests.harness.installation import Agent, Installation
from tests.harness.witness import snapshots


def test_run_now_makes_a_snapshot_in_the_repository(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    job = installation.job(agent.id, [agent.write("now.txt", b"now")])
    go(console, installation, f"/jobs/{job['id']}")
    mark(console)
    console.button("jobs.runNow").click()
    expect(title(console, console.text("runs.named", kind=console.text("kinds.backup"), name=job["name"])))
    expect(status(console, "succeeded")).to_be_visible()
    assert marked(console)
    (run,) = installation.api.all("/runs", job_id=job["id"])
    assert run["trigger"] == "manual"
    detail = installation.api.get(f"/runs/{run['id']}")
    assert snapshots(installation.restic_path(detail)) == {detail["targets"][0]["restic_snapshot_id"]}


def test_a_paused_job_is_paused_in_temporal_and_resumed_there(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    job = installation.job(agent.id, [agent.folder], cron="0 1 * * *")
    in_temporal(installation, job["id"], paused=False)
    go(console, installation, f"/jobs/{job['id']}")
    expect(status(console, "active")).to_be_visible()
    console.button("jobs.pause").click()
    expect(status(console, "paused")).to_be_visible()
    expect(console.page.get_by_text(console.text("jobs.pausedText"))).to_be_visible()
    in_temporal(installation, job["id"], paused=True)
    assert installation.api.get(f"/jobs/{job['id']}")["paused"] is True
    go(console, installation, "/jobs?state=paused")
    expect(row(console, job["name"])).to_be_visible()
    row(console, job["name"]).get_by_role("link", name=job["name"]).click()
    console.button("jobs.resume").click()
    expect(status(console, "active")).to_be_visible()
    in_temporal(installation, job["id"], paused=False)


def in_temporal(installation: Installation, job_id: str, *, paused: bool) -> None:
    """Waits until the schedule says so: it follows the database."""

    def follows() -> bool | None:
        planned = schedule(installation, job_id)
        return True if planned is not None and planned.schedule.state.paused is paused else None

    until(follows, 60, f"the schedule to be {'paused' if paused else 'in force'}")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_while_a_job_is_paused_its_schedule_starts_nothing(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    file = agent.write("each minute.txt", b"tick")
    paused, other = (installation.job(agent.id, [file], cron="* * * * *") for _ in range(2))
    go(console, installation, f"/jobs/{paused['id']}")
    console.button("jobs.pause").click()
    expect(status(console, "paused")).to_be_visible()
    in_temporal(installation, paused["id"], paused=True)
    before = len(list(installation.api.all("/runs", job_id=paused["id"])))

    def ticked() -> bool | None:
        return True if len(list(installation.api.all("/runs", job_id=other["id"]))) > 1 else None

    # The other job's clock proves that minutes have passed.
    until(ticked, 200, "the other job to run twice")
    assert len(list(installation.api.all("/runs", job_id=paused["id"]))) == before
    for job in (paused, other):
        go(console, installation, f"/jobs/{job['id']}")
        console.button("act.delete").click()
        confirm(console, "act.delete", job["name"])
        expect(title(console, console.text("pages.jobs"))).to_be_visible()


def test_deleting_asks_for_the_name_and_ends_the_schedule_but_no_snapshot(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    job = installation.job(agent.id, [agent.write("kept.txt", b"kept")], cron="0 1 * * *")
    run = installation.back_up(job)
    in_temporal(installation, job["id"], paused=False)
    go(console, installation, f"/jobs/{job['id']}")
    console.button("act.delete").click()
    confirm(console, "act.delete", job["name"])
    expect(title(console, console.text("pages.jobs"))).to_be_visible()
    expect(row(console, job["name"])).to_have_count(0)
    assert installation.api.named("/jobs", job["name"]) is None
    until(lambda: True if schedule(installation, job["id"]) is None else None, 60, "the schedule to be gone")
    assert len(snapshots(installation.restic_path(run))) == 1


def test_the_list_is_filtered_by_machine_name_and_state_in_the_address(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    job = installation.job(agent.id, [agent.folder], cron="0 1 * * *")
    part = job["name"].removeprefix("job ").upper()
    go(console, installation, "/jobs")
    console.page.get_by_role("searchbox", name=console.text("field.name")).fill(part)
    expect(console.page.get_by_role("row")).to_have_count(2)
    console.page.get_by_role("group", name=console.text("field.status")).get_by_text(
        console.text("ui:status.paused"), exact=True
    ).click()
    expect(
        console.page.get_by_role("paragraph").filter(has_text=console.text("list.nothingFound"))
    ).to_be_visible()
    console.page.reload()
    expect(
        console.page.get_by_role("paragraph").filter(has_text=console.text("list.nothingFound"))
    ).to_be_visible()
    go(console, installation, f"/jobs?name={part}&agent={agent.id}&state=active")
    expect(row(console, job["name"])).to_be_visible()
