"""Acts on several rows: what becomes of each object is looked for in Temporal, in restic, in the database."""

import pytest
from playwright.sync_api import expect

from demo.waiting import until
from tests.console import axe
from tests.console.behind import rows
from tests.console.pages import bar, confirm, fresh, go, names, row, tick
from tests.console.test_jobs import in_temporal
from tests.console.visit import Visit
from tests.harness.installation import Agent, Installation, enrolled
from tests.harness.witness import snapshots


def act(visit: Visit, key: str) -> None:
    bar(visit).get_by_role("button", name=visit.text(key), exact=True).click()


def test_several_jobs_are_paused_and_resumed_and_no_other(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    word = fresh("ночь")
    first, second, other = (
        installation.job(agent.id, [agent.folder], name=f"{number} {word}", cron="0 1 * * *")
        for number in range(3)
    )
    go(console, installation, f"/jobs?name={word}")
    for job in (first, second):
        tick(console, job["name"])
    expect(bar(console)).to_contain_text(console.text("bulk.chosen_other", rows=2))
    act(console, "jobs.pause")
    expect(
        console.page.get_by_text(
            console.text("bulk.done", act=console.text("jobs.pause"), rows=2), exact=True
        )
    ).to_be_visible()
    expect(bar(console)).to_have_count(0)
    choose_all = console.page.get_by_role("checkbox", name=console.text("ui:table.chooseAll"), exact=True)
    expect(choose_all).to_be_focused()  # the button that had the focus is gone
    for job in (first, second):
        expect(row(console, job["name"])).to_contain_text(console.text("ui:status.paused"))
        in_temporal(installation, job["id"], paused=True)
    in_temporal(installation, other["id"], paused=False)
    # Of all three only two can be resumed, and the button says so.
    choose_all.check()
    part = console.text("bulk.part", act=console.text("jobs.resume"), rows=2)
    bar(console).get_by_role("button", name=part, exact=True).click()
    for job in (first, second):
        expect(row(console, job["name"])).to_contain_text(console.text("ui:status.active"))
        in_temporal(installation, job["id"], paused=False)


def test_what_was_refused_is_named_with_its_reason_and_the_rest_is_done(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    word = fresh("вместе")
    good = installation.job(agent.id, [agent.write("bulk.txt", b"bulk")], name=f"1 {word}")
    with enrolled(installation) as gone:
        bad = installation.job(gone.id, [gone.folder], name=f"2 {word}")
        installation.api.post(f"/agents/{gone.id}/revoke")
    go(console, installation, f"/jobs?name={word}")
    for job in (good, bad):
        tick(console, job["name"])
    console.expect(f"409 POST .*/jobs/{bad['id']}/runs$")
    act(console, "jobs.runNow")
    failed = console.text("bulk.failedTitle", act=console.text("jobs.runNow"), done=1, failed=1)
    dialog = console.page.get_by_role("dialog", name=failed)
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    expect(dialog).to_contain_text(bad["name"])
    expect(dialog).not_to_contain_text(good["name"])
    assert len(dialog.get_by_role("listitem").inner_text()) > len(bad["name"]) + 10  # a reason
    assert axe.violations(console.page) == []
    dialog.get_by_role("button", name=console.text("act.close")).last.click()
    expect(bar(console)).to_contain_text(console.text("bulk.chosen_one", rows=1))
    (run,) = installation.api.all("/runs", job_id=good["id"])
    assert len(snapshots(installation.restic_path(installation.ended(run)))) == 1
    assert list(installation.api.all("/runs", job_id=bad["id"])) == []


def test_several_waiting_runs_are_stopped_after_a_question(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    jobs = [installation.job(agent.id, [agent.write("stop.txt", b"stop")]) for _ in range(3)]
    agent.stop()
    try:
        agent.wait_connected(connected=False)
        stopped, other, left = (installation.start(job) for job in jobs)
        go(console, installation, f"/runs?agent={agent.id}&state=waiting")
        expect(names(console, "pages.runs")).to_have_count(3)
        name = installation.api.get(f"/agents/{agent.id}")["name"]
        for job in jobs[:2]:
            said = console.text("runs.named", kind=console.text("kinds.backup"), name=job["name"])
            tick(console, f"{said} · {name}")
        act(console, "runs.cancelManyTitle")
        dialog = console.page.get_by_role("dialog")
        for job in jobs[:2]:
            expect(dialog).to_contain_text(job["name"])
        assert _asked_to_stop(installation, stopped["id"]) is False
        confirm(console, "runs.cancelManyTitle")
        for run in (stopped, other):
            assert installation.ended(run)["state"] == "cancelled"
        assert _asked_to_stop(installation, left["id"]) is False
        expect(names(console, "pages.runs")).to_have_count(1)
    finally:
        agent.start()
    assert installation.ended(left)["state"] == "succeeded"


def _asked_to_stop(installation: Installation, run_id: str) -> bool:
    (found,) = rows(installation, "SELECT cancel_requested_at FROM run WHERE id = :id", id=run_id)
    return found["cancel_requested_at"] is not None


@pytest.mark.timeout(300)
def test_revoking_several_machines_asks_how_many_they_are(installation: Installation, console: Visit) -> None:
    word = fresh("склад")
    with enrolled(installation) as first, enrolled(installation) as second:
        for number, machine in enumerate((first, second)):
            installation.api.patch(f"/agents/{machine.id}", {"name": f"{number} {word}"})
        go(console, installation, f"/agents?q={word}")
        for number in range(2):
            tick(console, f"{number} {word}")
        act(console, "act.revoke")
        confirm(console, "act.revoke", "2")
        for machine in (first, second):

            def revoked(machine_id: str = machine.id) -> bool | None:
                found = rows(installation, "SELECT state FROM agent WHERE id = :id", id=machine_id)
                return True if found[0]["state"] == "revoked" else None

            until(revoked, 60, f"agent {machine.id} to be shut out")
            machine.wait_connected(connected=False)
        expect(console.page.locator("tbody [data-status=revoked]")).to_have_count(2)
