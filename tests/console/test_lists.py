"""Tools of every list: order, columns, saved views, and the exported file; looked for in the API and in the file."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.console import axe
from tests.console.behind import rows
from tests.console.conftest import Look, Open
from tests.console.pages import dialog_field, fact, fresh, go, header, names, row, tool
from tests.console.people import Person
from tests.console.scene import Scene
from tests.console.visit import Visit
from tests.harness.installation import Agent, Installation

_EXPORT, _COLUMNS, _VIEWS = "list.export", "list.columns", "list.views"
MANY = 1100


@pytest.fixture
def part(installation: Installation, agent: Agent) -> str:
    """A part of the names of three jobs, which were made in another order than that of their names."""
    word = fresh("список")
    common = {"repository_ids": [installation.repository()["id"]]}
    for name in ("Б", "В", "А"):
        installation.job(agent.id, [agent.folder], name=f"{name} {word}", cron="0 1 * * *", **common)
    return word


def first_letters(visit: Visit, *expected: str) -> None:
    """Waits until the list's rows begin with these letters, in this order."""
    links = names(visit, "pages.jobs")
    expect(links).to_have_text([re.compile(f"^{letter} ") for letter in expected])


def test_a_click_on_a_header_sorts_on_the_server_and_the_order_is_in_the_address(
    installation: Installation, console: Visit, part: str
) -> None:
    go(console, installation, f"/jobs?name={part}")
    first_letters(console, "А", "В", "Б")  # the newest first
    name = header(console, "field.name")
    name.get_by_role("button").click()
    first_letters(console, "А", "Б", "В")
    expect(name).to_have_attribute("aria-sort", "ascending")
    expect(console.page).to_have_url(re.compile("[?&]sort=name"))
    console.page.reload()
    first_letters(console, "А", "Б", "В")
    # And by keyboard.
    name.get_by_role("button").focus()
    console.page.keyboard.press("Enter")
    first_letters(console, "В", "Б", "А")
    expect(name).to_have_attribute("aria-sort", "descending")
    console.page.keyboard.press("Enter")
    first_letters(console, "А", "В", "Б")
    expect(name).not_to_have_attribute("aria-sort", re.compile("."))


@pytest.mark.parametrize(
    ("address", "key", "sort"),
    [
        ("/agents", "agents.lastSeen", "-last_seen_at"),
        ("/runs", "runs.asked", "created_at"),
        ("/snapshots", "snapshots.taken", "taken_at"),
        ("/repositories", "field.name", "-name"),
    ],
)
def test_each_list_can_be_turned_around(
    installation: Installation, console: Visit, scene: Scene, address: str, key: str, sort: str
) -> None:
    go(console, installation, address)
    header(console, key).get_by_role("button").click()
    expect(console.page).to_have_url(re.compile(f"[?&]sort={sort}"))
    column = address[1:]
    first = next(iter(installation.api.all(address, sort=sort)))
    expect(names(console, f"pages.{column}").first).to_have_attribute("href", re.compile(first["id"]))


def test_columns_are_chosen_and_kept_for_the_person_in_this_browser(
    installation: Installation, console: Visit, open_console: Open, people: dict[str, Person], scene: Scene
) -> None:
    go(console, installation, "/runs")
    expect(header(console, "runs.reason")).to_be_visible()
    expect(header(console, "runs.trigger")).to_have_count(0)
    tool(console, _COLUMNS).click()
    dialog_field(console, "runs.trigger").check()
    dialog_field(console, "runs.reason").uncheck()
    expect(header(console, "runs.reason")).to_have_count(0)
    console.page.reload()
    expect(header(console, "runs.trigger")).to_be_visible()
    expect(header(console, "runs.reason")).to_have_count(0)
    other = open_console(Look(), people["ru"])
    go(other, installation, "/runs")
    expect(header(other, "runs.reason")).to_be_visible()
    tool(console, _COLUMNS).click()
    console.button("list.columnsReset").click()
    expect(header(console, "runs.reason")).to_be_visible()


def test_the_list_of_runs_says_how_much_was_read_and_added(
    installation: Installation, console: Visit, scene: Scene
) -> None:
    go(console, installation, f"/runs/{scene.good['id']}")
    processed, added = (fact(console, f"results.{name}").inner_text() for name in ("processed", "added"))
    assert re.search(r"\d", processed)
    go(console, installation, f"/runs?job={scene.job['id']}&state=succeeded")
    for words, key in ((processed, "results.processed"), (added, "results.added")):
        number = console.page.get_by_role("columnheader").all_inner_texts().index(console.text(key))
        cell = row(console, scene.job["name"]).get_by_role("cell").nth(number)
        expect(cell).to_have_text(words)
        assert cell.evaluate("cell => getComputedStyle(cell).textAlign") == "right"


def test_a_view_brings_back_filter_order_and_columns(
    installation: Installation, console: Visit, part: str
) -> None:
    view = fresh("Мои")
    go(console, installation, f"/jobs?name={part}&sort=-name")
    tool(console, _COLUMNS).click()
    dialog_field(console, "jobs.schedule").uncheck()
    console.page.keyboard.press("Escape")
    tool(console, _VIEWS).click()
    expect(console.page.get_by_text(console.text("list.viewsHere"))).to_be_visible()
    console.field("list.viewName").fill(view)
    console.button("act.save").click()
    expect(console.page.get_by_role("button", name=view, exact=True)).to_have_attribute(
        "aria-current", "true"
    )
    console.page.keyboard.press("Escape")
    tool(console, _COLUMNS).click()
    console.button("list.columnsReset").click()
    go(console, installation, "/jobs")
    expect(header(console, "jobs.schedule")).to_be_visible()
    tool(console, _VIEWS).click()
    console.page.get_by_role("button", name=view, exact=True).click()
    first_letters(console, "В", "Б", "А")
    expect(console.page).to_have_url(re.compile("sort=-name"))
    expect(header(console, "jobs.schedule")).to_have_count(0)
    tool(console, _VIEWS).click()
    console.button("list.viewRemove", name=view).click()
    console.page.reload()
    tool(console, _VIEWS).click()
    expect(console.field("list.viewName")).to_be_visible()
    expect(console.page.get_by_role("button", name=view, exact=True)).to_have_count(0)


def exported(visit: Visit) -> list[dict[str, str]]:
    """Exports the list and reads the file as a spreadsheet would."""
    return list(csv.DictReader(io.StringIO(exported_text(visit), newline="")))


def exported_text(visit: Visit) -> str:
    with visit.page.expect_download() as started:
        tool(visit, _EXPORT).click()
    content = started.value.path().read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    assert re.fullmatch(r"[a-z]+-\d{4}-\d\d-\d\d\.csv", started.value.suggested_filename)
    return content.decode("utf-8-sig")


@contextmanager
def copies(installation: Installation, run: dict[str, Any]) -> Iterator[None]:
    """The run as it would be had it happened very often; all of them are gone afterwards."""
    made = rows(
        installation,
        "INSERT INTO run SELECT (jsonb_populate_record(run, jsonb_build_object("
        " 'id', gen_random_uuid(), 'created_at', run.created_at - number * interval '1 second'))).*"
        " FROM run, generate_series(1, :many) AS number WHERE run.id = :run RETURNING id",
        many=MANY,
        run=run["id"],
    )
    try:
        yield
    finally:
        ids = [str(one["id"]) for one in made]
        rows(installation, "DELETE FROM run WHERE id = ANY(CAST(:ids AS uuid[])) RETURNING id", ids=ids)


def test_all_pages_of_the_filtered_list_are_in_the_file(
    installation: Installation, console: Visit, scene: Scene
) -> None:
    with copies(installation, scene.failed):
        go(console, installation, f"/runs?job={scene.broken['id']}&sort=created_at")
        expect(names(console, "pages.runs").first).to_be_visible()
        found = exported(console)
        known = list(installation.api.all("/runs", job_id=scene.broken["id"], sort="created_at", limit=500))
    assert len(known) > MANY
    assert [line[console.text("field.id")] for line in found] == [run["id"] for run in known]
    last = found[-1]
    assert last[console.text("runs.asked")] == known[-1]["created_at"]
    assert last[console.text("field.status")] == console.text("ui:status.failed")
    assert last[console.text("runs.reason")] == known[-1]["error"]["message"]


@pytest.mark.parametrize("look", [Look("ru")], indirect=True, ids=str)
def test_the_file_has_the_columns_that_are_shown_in_the_readers_language_with_plain_numbers(
    installation: Installation, console: Visit, scene: Scene
) -> None:
    go(console, installation, f"/snapshots?job={scene.job['id']}")
    tool(console, _COLUMNS).click()
    dialog_field(console, "field.agent").uncheck()
    console.page.keyboard.press("Escape")
    found = exported(console)
    known = list(installation.api.all("/snapshots", job_id=scene.job["id"]))
    size = console.text("list.inBytes", what=console.text("files.size"))
    assert [line[size] for line in found] == [str(snapshot["size_bytes"]) for snapshot in known]
    assert console.text("field.agent") not in found[0]
    assert {line[console.text("field.job")] for line in found} == {scene.job["name"]}


def test_no_name_becomes_a_formula_in_the_file(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    word = fresh("формула")
    for sign in "=+-@":
        installation.job(agent.id, [agent.folder], name=f'{sign}ССЫЛКА("{word}", 1)')
    go(console, installation, f"/jobs?name={word}")
    expect(names(console, "pages.jobs")).to_have_count(4)
    cells = {line[console.text("field.name")] for line in exported(console)}
    assert {cell[:2] for cell in cells} == {"'=", "'+", "'-", "'@"}
    assert all(cell.endswith(f'ССЫЛКА("{word}", 1)') for cell in cells)


def test_no_name_becomes_a_formula_where_cells_end_at_semicolons(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    word = fresh("точка с запятой")
    installation.job(agent.id, [agent.folder], name=f"{word};=ССЫЛКА(1);")
    go(console, installation, f"/jobs?name={word}")
    expect(names(console, "pages.jobs")).to_have_count(1)
    text = exported_text(console)
    cells = [cell for line in csv.reader(io.StringIO(text, newline=""), delimiter=";") for cell in line]
    assert "'=ССЫЛКА(1)" in cells
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))] == []


def test_a_file_is_read_in_an_order_that_stays_and_says_so(
    installation: Installation, console: Visit, part: str
) -> None:
    go(console, installation, f"/jobs?name={part}&sort=-name")
    first_letters(console, "В", "Б", "А")
    assert [line[console.text("field.name")][0] for line in exported(console)] == ["А", "В", "Б"]
    expect(console.page.get_by_text(console.text("list.exportOrder"))).to_be_visible()


@pytest.mark.parametrize("key", [_VIEWS, _COLUMNS])
def test_the_tools_shut_nobody_out(
    installation: Installation, console: Visit, scene: Scene, key: str
) -> None:
    go(console, installation, "/runs")
    expect(header(console, "runs.reason")).to_be_visible()
    opened: Locator = tool(console, key)
    opened.focus()
    console.page.keyboard.press("Enter")
    expect(console.page.get_by_role("dialog")).to_be_visible()
    assert axe.violations(console.page) == []
    console.page.keyboard.press("Escape")
    expect(console.page.get_by_role("dialog")).to_have_count(0)
    expect(opened).to_be_focused()
