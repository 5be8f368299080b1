"""Snapshots: found, looked through, and files of any name taken out of them, byte for byte."""

import hashlib
import re

import pytest
from playwright.sync_api import Locator, expect

from tests.console.behind import rows
from tests.console.pages import go, row, section, status
from tests.console.scene import NOT_UTF8, PERCENT, PLAIN, REPORT, SMILE, Scene
from tests.console.visit import Visit
from tests.harness.installation import Installation

_IN_ADDRESS = "part => new URLSearchParams(location.search).get('path').includes(part)"


def open_folder(visit: Visit, installation: Installation, scene: Scene) -> Locator:
    """The snapshot's page at the folder that was backed up."""
    go(visit, installation, f"/snapshots/{scene.snapshot}")
    for part in scene.documents.parts[1:]:
        visit.page.get_by_role("main").get_by_role("button", name=part, exact=True).click()
    expect(row(visit, PLAIN)).to_be_visible()
    return section(visit, "snapshots.content")


def test_the_list_leads_to_the_snapshot(installation: Installation, console: Visit, scene: Scene) -> None:
    go(console, installation, f"/snapshots?job={scene.job['id']}")
    expect(row(console, scene.job["name"])).to_have_count(2)
    row(console, scene.job["name"]).nth(1).get_by_role("link").first.click()
    expect(console.page).to_have_url(re.compile(f"/snapshots/{scene.snapshot}"))
    expect(status(console, "present")).to_be_visible()
    expect(console.page.get_by_text(str(scene.documents), exact=True)).to_be_visible()


@pytest.mark.parametrize(
    "name", [REPORT, SMILE, PERCENT, PLAIN], ids=["cyrillic", "emoji", "percent", "plain"]
)
def test_a_file_comes_out_as_it_went_in_and_that_is_written_down(
    installation: Installation, console: Visit, scene: Scene, name: str
) -> None:
    open_folder(console, installation, scene)
    *folders, file = name.split("/")
    for folder in folders:
        console.page.get_by_role("button", name=folder, exact=True).click()
        # The folder is in the address, and survives a reload.
        console.page.wait_for_function(_IN_ADDRESS, arg=folder)
    console.page.reload()
    with console.page.expect_download() as started:
        console.page.get_by_role("link", name=console.text("files.download", name=file), exact=True).click()
    got = started.value
    # What a file system may not like the browser writes otherwise.
    assert got.suggested_filename == file.replace("?", "_")
    assert digest(got.path().read_bytes()) == digest(scene.original(name).read_bytes())
    query = "SELECT result FROM audit_entry WHERE action = 'snapshot.file_downloaded' AND details->>'path' = :path"
    assert {entry["result"] for entry in rows(installation, query, path=str(scene.original(name)))} == {
        "done"
    }


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_name_that_is_no_text_is_shown_and_explained(
    installation: Installation, console: Visit, scene: Scene
) -> None:
    files = open_folder(console, installation, scene)
    listed = installation.api.all(f"/snapshots/{scene.snapshot}/files", path=str(scene.documents))
    (strange,) = [entry for entry in listed if not entry["addressable"]]
    assert NOT_UTF8.decode("ascii", "replace")[-4:] == strange["name"][-4:] == ".txt"
    found = files.get_by_role("row").filter(
        has=console.page.get_by_title(console.text("files.notAddressable"))
    )
    expect(found).to_have_count(1)
    expect(found.get_by_role("link")).to_have_count(0)


def test_breadcrumbs_lead_back_up(installation: Installation, console: Visit, scene: Scene) -> None:
    open_folder(console, installation, scene)
    console.page.get_by_role("button", name="Отчёты за год", exact=True).click()
    expect(row(console, "Отчёт № 7")).to_be_visible()
    where = console.page.get_by_role("navigation", name=console.text("files.where"))
    where.get_by_text(scene.documents.name, exact=True).click()
    expect(row(console, PLAIN)).to_be_visible()
