"""Ways through the console that several tests go: addresses, rows, choices, questions before something is lost."""

import secrets

from playwright.sync_api import Locator, expect

from tests.console.visit import Visit
from tests.harness.installation import Installation


def fresh(name: str) -> str:
    """A name that nothing has yet."""
    return f"{name} {secrets.token_hex(3)}"


def go(visit: Visit, installation: Installation, rest: str = "") -> None:
    """Goes to an address of the installation's organization, such as `/jobs`, and waits for the page."""
    visit.open(f"/o/{installation.api.organization_id}{rest}")
    expect(visit.page.get_by_role("heading", level=1)).to_be_visible()


def title(visit: Visit, name: str) -> Locator:
    return visit.page.get_by_role("heading", name=name, level=1, exact=True)


def section(visit: Visit, key: str, /, **values: object) -> Locator:
    """The part of a page that has this title."""
    return visit.page.get_by_role("region", name=visit.text(key, **values), exact=True)


def row(visit: Visit, name: str) -> Locator:
    """The rows of tables in which this is said."""
    return visit.page.get_by_role("row").filter(has_text=name)


def header(visit: Visit, key: str) -> Locator:
    """The head of a table's column."""
    return visit.page.get_by_role("columnheader", name=visit.text(key), exact=True)


def names(visit: Visit, table: str) -> Locator:
    """The links to the objects that a list's table shows, from the top down."""
    rows = visit.page.get_by_role("table", name=visit.text(table), exact=True)
    return rows.locator("tbody td[data-choose] + td a, tbody td:first-child:not([data-choose]) a")


def tool(visit: Visit, key: str) -> Locator:
    """A button beside a list's filter."""
    return visit.button(key)


def tick(visit: Visit, name: str) -> None:
    """Chooses a row, for an act on several."""
    visit.page.get_by_role("checkbox", name=visit.text("ui:table.choose", name=name), exact=True).check()


def bar(visit: Visit) -> Locator:
    """What can be done with the chosen rows."""
    return visit.page.get_by_role("region", name=visit.text("bulk.bar"), exact=True)


def fact(visit: Visit, key: str) -> Locator:
    """What a list of facts says beside this word."""
    word = visit.page.get_by_role("term").filter(has=visit.page.get_by_text(visit.text(key), exact=True))
    return visit.page.locator("dl > div").filter(has=word).get_by_role("definition")


def choose(visit: Visit, label: str, option: str) -> None:
    """Opens a field with choices, types the option's name if the field can be typed in, and takes it."""
    field = visit.page.get_by_role("combobox", name=label, exact=True)
    field.click()
    if field.is_editable():
        field.fill(option)
    visit.page.get_by_role("option", name=option, exact=True).click()
    if field.get_attribute("aria-expanded") == "true":  # several can be taken: it stays open
        visit.page.keyboard.press("Escape")


def status(visit: Visit, state: str) -> Locator:
    """The status that stands beside the page's title."""
    return visit.page.locator(f"header [data-tone][data-status={state}]")


def next_step(visit: Visit) -> None:
    visit.button("wizard.next").click()


def step_is(visit: Visit, key: str) -> None:
    """Waits until the wizard is at the step of this name."""
    steps = visit.page.get_by_role("list", name=visit.text("ui:wizard.steps"))
    expect(steps.get_by_role("button", name=visit.text(key), exact=True)).to_have_attribute(
        "aria-current", "step"
    )


def dialog_field(visit: Visit, key: str) -> Locator:
    """A field of the dialog that is open; the page behind it may have one of the same name."""
    return visit.page.get_by_role("dialog").get_by_label(visit.text(key), exact=True)


def confirm(visit: Visit, act: str, name: str | None = None) -> None:
    """Answers the question before something is lost; where it asks for a name, nothing happens without it."""
    dialog = visit.page.get_by_role("dialog")
    button = dialog.get_by_role("button", name=visit.text(act), exact=True)
    if name is not None:
        expect(button).to_be_disabled()
        dialog.get_by_label(visit.text("ui:confirm.typeName", name=name)).fill(name)
    button.click()


def mark(visit: Visit) -> None:
    """Leaves a mark in the document, which the next one does not have."""
    visit.page.evaluate("window.sbsMark = true")


def marked(visit: Visit) -> bool:
    """Whether the document is still the one with the mark: nobody has loaded the page again."""
    return bool(visit.page.evaluate("window.sbsMark === true"))
