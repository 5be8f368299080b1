"""Agents: a real machine enrols with what the page shows; each act is looked for at the agent, not on the screen."""

import json
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from demo.machine import Machine, Person
from demo.waiting import until
from sbs_restic.cli import find_restic
from tests.console import axe
from tests.console.conftest import LOOKS, NARROW
from tests.console.visit import Visit
from tests.harness.installation import Agent, Installation, enrolled

_MARK = "window.sbsNeverReloaded"


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A machine of an ordinary user on which nothing has been done yet."""
    folder = Path(tempfile.mkdtemp(prefix="sbs-machine-"))
    folder.chmod(0o755)
    person = Person.choose()
    yield Machine(person, person.own(folder), find_restic(os.environ.get("SBS_RESTIC")).path)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def agent(installation: Installation) -> Iterator[Agent]:
    """A machine of this module's own: it is renamed, and shut out at the end."""
    with enrolled(installation) as machine:
        yield machine


def open_agents(visit: Visit, installation: Installation, rest: str = "") -> None:
    visit.open(f"/o/{installation.api.organization_id}/agents{rest}")
    expect(visit.page.get_by_role("heading", level=1)).to_be_visible()


def row(visit: Visit, name: str) -> Locator:
    """The row of the table that names this agent or token."""
    return visit.page.get_by_role("row").filter(has_text=name)


def make_token(visit: Visit, name: str) -> tuple[str, list[str]]:
    """Goes through the dialog; gives back the token and the words of the command that it shows."""
    visit.button("agents.enrol").first.click()
    visit.field("agents.tokenFor").fill(name)
    visit.button("agents.makeToken").click()
    shown = visit.page.get_by_label(visit.text("agents.token"), exact=True)
    expect(visit.page.get_by_text(visit.text("ui:secret.once"))).to_be_visible()
    command = visit.page.get_by_label(visit.text("agents.command"), exact=True).first.inner_text()
    return shown.inner_text(), shlex.split(command)


def named(installation: Installation, path: str, name: str) -> dict[str, Any]:
    found = installation.api.named(path, name)
    assert found is not None
    return found


@pytest.mark.parametrize("look", [LOOKS[0], LOOKS[2]], indirect=True, ids=str)
def test_a_machine_enrolled_as_the_page_says_appears_there_by_itself(
    installation: Installation, console: Visit, machine: Machine
) -> None:
    open_agents(console, installation)
    console.page.evaluate(f"{_MARK} = true")
    token, (program, *words) = make_token(console, machine.folder.name)
    assert program == "sbs-agent"
    expect(console.page.get_by_text(console.text("agents.waiting"))).to_be_visible()

    done = machine.run([*words, "--token-file", "-"], token)
    assert done.returncode == 0, done.stderr
    agent = Agent(machine, installation.api, machine.agent_id())
    arrivals = console.page.get_by_role("dialog").get_by_role("status")
    expect(arrivals).to_contain_text(console.text("agents.enrolledNotConnected"))
    agent.start()
    try:
        expect(arrivals).to_contain_text(console.text("agents.connectedNow"))
        name = installation.api.get(f"/agents/{agent.id}")["name"]
        console.button("act.done").click()
        expect(row(console, name).first).to_contain_text(console.text("ui:status.connected"))
        assert token not in console.page.content()
    finally:
        agent.stop()
    # The same live view tells that it has gone.
    expect(row(console, name).first).to_contain_text(console.text("ui:status.offline"))
    assert console.page.evaluate(_MARK) is True
    assert named(installation, "/enrolment-tokens", machine.folder.name)["used_count"] == 1


def test_a_token_is_shown_once_and_is_copied_whole(
    installation: Installation, console: Visit, machine: Machine
) -> None:
    console.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_agents(console, installation)
    token, _ = make_token(console, machine.folder.name)
    console.button("ui:copy", what=console.text("agents.token")).click()
    expect(console.button("ui:copied")).to_be_visible()
    assert console.page.evaluate("navigator.clipboard.readText()") == token
    console.button("act.done").click()
    open_agents(console, installation, "/tokens")
    expect(row(console, machine.folder.name)).to_contain_text(console.text("ui:status.usable"))
    assert token not in console.page.content()


def test_a_token_that_was_revoked_enrols_nobody(
    installation: Installation, console: Visit, machine: Machine
) -> None:
    open_agents(console, installation)
    token, (_, *words) = make_token(console, machine.folder.name)
    open_agents(console, installation, "/tokens")
    console.button("tokens.revokeNamed", name=machine.folder.name).click()
    console.page.get_by_role("dialog").get_by_role(
        "button", name=console.text("act.revoke"), exact=True
    ).click()
    expect(row(console, machine.folder.name)).to_contain_text(console.text("ui:status.revoked"))
    done = machine.run([*words, "--token-file", "-"], token)
    assert done.returncode != 0
    assert not machine.enrolled()


def test_an_agents_new_name_is_its_name_everywhere(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    open_agents(console, installation, f"/{agent.id}")
    console.button("act.rename").click()
    console.field("field.name").fill("Бухгалтерия 1")
    console.button("act.save").click()
    expect(console.page.get_by_role("heading", name="Бухгалтерия 1", level=1)).to_be_visible()
    assert installation.api.get(f"/agents/{agent.id}")["name"] == "Бухгалтерия 1"
    open_agents(console, installation)
    expect(row(console, "Бухгалтерия 1")).to_be_visible()


def test_the_filter_is_in_the_address_and_survives_a_reload(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    installation.api.patch(f"/agents/{agent.id}", {"name": "filtered machine"})
    open_agents(console, installation)
    expect(row(console, "filtered machine")).to_be_visible()
    search = console.page.get_by_role("searchbox", name=console.text("agents.search"))
    search.fill("no machine is called that")
    expect(console.page.get_by_text(console.text("list.nothingFound"))).to_be_visible()
    search.fill("FILTERED")
    expect(row(console, "filtered machine")).to_be_visible()
    expect(console.page).to_have_url(re.compile("[?&]q=FILTERED"))
    console.page.reload()
    expect(search).to_have_value("FILTERED")
    expect(row(console, "filtered machine")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS, indirect=True, ids=str)
def test_nothing_shuts_anybody_out_and_nothing_moves(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    for rest in ("", "/tokens", f"/{agent.id}", "?enrol=true"):
        open_agents(console, installation, rest)
        if rest == "?enrol=true":
            expect(console.button("agents.makeToken")).to_be_visible()
        else:
            expect(console.page.locator("[data-status]").first).to_be_visible()
        assert axe.violations(console.page) == [], rest
        assert console.shifts() == [], rest


@pytest.mark.parametrize("look", NARROW, indirect=True, ids=str)
def test_no_text_is_cut_off_in_a_narrow_window(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    for rest in ("", "/tokens", f"/{agent.id}"):
        open_agents(console, installation, rest)
        expect(console.page.locator("[data-status]").first).to_be_visible()
        assert console.cut_off() == [], rest


def test_revoking_asks_for_the_name_and_shuts_the_machine_out(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    """Last in this module: the agent is gone afterwards."""
    name = installation.api.get(f"/agents/{agent.id}")["name"]
    assert _online(agent)
    open_agents(console, installation, f"/{agent.id}")
    console.button("act.revoke").click()
    dialog = console.page.get_by_role("dialog")
    act = dialog.get_by_role("button", name=console.text("act.revoke"), exact=True)
    expect(act).to_be_disabled()
    dialog.get_by_label(console.text("ui:confirm.typeName", name=name)).fill(name)
    act.click()
    expect(console.page.locator("[data-status=revoked]")).to_be_visible()
    assert installation.api.get(f"/agents/{agent.id}")["state"] == "revoked"
    agent.wait_connected(connected=False)
    # And by its own word: it is online no more.
    until(lambda: None if _online(agent) else True, 60, "the agent to know that it is shut out")


def _online(agent: Agent) -> bool:
    """What `sbs-agent status` says at the machine."""
    status = json.loads(agent.machine.run(["status", "--json"]).stdout)["status"]
    return status is not None and bool(status["online"])
