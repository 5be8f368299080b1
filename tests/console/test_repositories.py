"""Repositories: made, tried, renamed and deleted in the page; looked for on disk and in the database."""

import re
import secrets
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.behind import rows
from tests.console.pages import confirm, dialog_field, fresh, go, mark, marked, row, section, status, title
from tests.console.visit import Visit
from tests.harness.installation import Agent, Installation
from tests.harness.witness import snapshots


@pytest.fixture
def folder(installation: Installation) -> Path:
    """A folder of the storage that is not there yet."""
    return installation.data_dir / "storage" / secrets.token_hex(4)


def fill(visit: Visit, installation: Installation, name: str, folder: str) -> None:
    go(visit, installation, "/repositories")
    visit.button("repositories.create").first.click()
    dialog_field(visit, "field.name").fill(name)
    dialog_field(visit, "repositories.path").fill(folder)


def living(installation: Installation, name: str) -> list[str]:
    """Paths of the repositories of that name that were not deleted, as the database has them."""
    found = rows(
        installation,
        "SELECT path FROM repository WHERE name = :name AND deleted_at IS NULL",
        name=name,
    )
    return [row["path"] for row in found]


def test_a_repository_made_in_the_form_takes_the_first_backup(
    installation: Installation, console: Visit, agent: Agent, folder: Path
) -> None:
    name = fresh("Сейф № 1")
    fill(console, installation, name, str(folder))
    console.button("repositories.test").click()
    steps = console.page.get_by_role("dialog").get_by_role("status").get_by_role("listitem")
    expect(steps.last).to_contain_text(console.text("repositories.ok"))
    assert not any(console.text("repositories.notOk") in step for step in steps.all_inner_texts())
    console.button("act.create").click()
    expect(title(console, name)).to_be_visible()
    assert living(installation, name) == [str(folder)]
    expect(section(console, "repositories.inner")).to_contain_text(console.text("repositories.innerNone"))

    mark(console)
    file = agent.write("first.txt", b"first")
    made = installation.api.named("/repositories", name)
    assert made is not None
    run = installation.back_up(installation.job(agent.id, [file], repository_ids=[made["id"]]))
    path = installation.restic_path(run)
    assert folder in path.parents
    assert snapshots(path) == {run["targets"][0]["restic_snapshot_id"]}
    # The page has been told.
    expect(section(console, "repositories.inner")).to_contain_text(str(path))
    assert marked(console)


@pytest.mark.parametrize("path", ["/etc/sbs", "storage/relative"])
def test_a_folder_that_will_not_do_is_refused_at_its_field(
    installation: Installation, console: Visit, path: str
) -> None:
    console.expect("4\\d\\d POST .*/repositories$")
    fill(console, installation, "Нельзя", path)
    console.button("act.create").click()
    field = dialog_field(console, "repositories.path")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("path is not"))
    expect(console.page.get_by_role("dialog").get_by_role("alert")).to_have_count(0)
    assert living(installation, "Нельзя") == []


def test_a_repositorys_new_name_is_its_name_everywhere(installation: Installation, console: Visit) -> None:
    made, name = installation.repository(), fresh("Второй сейф")
    go(console, installation, f"/repositories/{made['id']}")
    console.button("act.rename").click()
    dialog_field(console, "field.name").fill(name)
    console.button("act.save").click()
    expect(title(console, name)).to_be_visible()
    assert living(installation, name) == [made["path"]]
    go(console, installation, f"/repositories?name={name.upper()}")
    expect(row(console, name)).to_be_visible()


def test_deleting_asks_for_the_name_and_takes_the_repository_out(
    installation: Installation, console: Visit
) -> None:
    made = installation.repository()
    go(console, installation, f"/repositories/{made['id']}")
    expect(status(console, "ready")).to_be_visible()
    console.button("act.delete").click()
    confirm(console, "act.delete", made["name"])
    expect(title(console, console.text("pages.repositories"))).to_be_visible()
    assert living(installation, made["name"]) == []
    expect(row(console, made["name"])).to_have_count(0)


def test_a_repository_in_use_is_not_deleted_and_the_page_says_by_whom(
    installation: Installation, console: Visit, agent: Agent
) -> None:
    made = installation.repository()
    job = installation.job(agent.id, [agent.folder], repository_ids=[made["id"]])
    go(console, installation, f"/repositories/{made['id']}")
    console.button("act.delete").click()
    console.expect("409 DELETE .*/repositories/")
    confirm(console, "act.delete", made["name"])
    expect(console.page.get_by_role("dialog").get_by_role("alert")).to_contain_text(job["name"])
    assert living(installation, made["name"]) == [made["path"]]
