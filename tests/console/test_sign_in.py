"""Sign-in, sign-out, addresses: what the browser shows is what the server does."""

import re

import pytest
from playwright.sync_api import Page, expect

from sbs_server.auth.sessions import COOKIE
from tests.console import axe
from tests.console.conftest import LOOKS
from tests.console.people import Person, session_lives
from tests.console.visit import Visit
from tests.harness.installation import Installation

NOBODY = "401 GET .*/api/v1/session$"


def sign_in(visit: Visit, person: Person, password: str | None = None) -> None:
    visit.field("signIn.email").fill(person.email)
    visit.field("signIn.password").fill(password or person.password)
    visit.button("signIn.act").click()


def cookie(page: Page) -> dict[str, object]:
    """The session's cookie, as the browser keeps it."""
    (found,) = [dict(one) for one in page.context.cookies() if one.get("name") == COOKIE]
    return found


def signed_in(visit: Visit, person: Person) -> None:
    expect(visit.button("shell.account", name=person.email)).to_be_visible()


@pytest.mark.parametrize("look", LOOKS, indirect=True, ids=str)
def test_a_wrong_password_is_refused_with_a_reason_and_the_right_one_lets_in(
    visit: Visit, people: dict[str, Person]
) -> None:
    person = people[visit.locale]
    visit.expect(NOBODY)
    visit.open("/")
    expect(visit.page).to_have_url(re.compile("/sign-in"))
    visit.expect("401 POST .*/api/v1/session$")
    sign_in(visit, person, "not the password")
    expect(visit.page.get_by_role("alert")).to_be_visible()
    assert visit.page.context.cookies() == []
    sign_in(visit, person)
    signed_in(visit, person)
    expect(visit.page).not_to_have_url(re.compile("/sign-in"))
    expect(visit.page.locator("html")).to_have_attribute("lang", visit.locale)


def test_the_sessions_cookie_is_out_of_reach_of_scripts_and_of_other_sites(
    visit: Visit, people: dict[str, Person]
) -> None:
    visit.expect(NOBODY)
    visit.open("/")
    sign_in(visit, people["en"])
    signed_in(visit, people["en"])
    kept = cookie(visit.page)
    assert (kept["httpOnly"], kept["secure"], kept["domain"]) == (True, True, "console.localhost")
    assert kept["sameSite"] in {"Lax", "Strict"}
    assert visit.page.evaluate("document.cookie") == ""


def test_signing_out_ends_the_session_on_the_server_too(
    installation: Installation, visit: Visit, people: dict[str, Person]
) -> None:
    visit.expect(NOBODY)
    visit.open("/")
    sign_in(visit, people["en"])
    signed_in(visit, people["en"])
    value = str(cookie(visit.page)["value"])
    assert session_lives(installation, value)
    visit.button("shell.account", name=people["en"].email).click()
    visit.page.get_by_role("menuitem", name=visit.text("shell.signOut")).click()
    expect(visit.page).to_have_url(re.compile("/sign-in"))
    assert not session_lives(installation, value)
    visit.page.go_back()
    expect(visit.button("signIn.act")).to_be_visible()


def test_an_address_deep_inside_asks_for_sign_in_and_then_shows_itself(
    installation: Installation, visit: Visit, people: dict[str, Person]
) -> None:
    address = f"/o/{installation.api.organization_id}/agents/tokens"
    visit.expect(NOBODY)
    visit.open(address)
    sign_in(visit, people["en"])
    expect(visit.page).to_have_url(visit.url + address)
    expect(visit.page.get_by_role("heading", name=visit.text("tokens.title"), level=1)).to_be_visible()
    visit.page.reload()
    expect(visit.page.get_by_role("heading", name=visit.text("tokens.title"), level=1)).to_be_visible()
    expect(visit.page).to_have_url(visit.url + address)


def test_a_session_that_was_ended_elsewhere_leads_to_sign_in_and_back(
    installation: Installation, console: Visit, people: dict[str, Person]
) -> None:
    address = f"/o/{installation.api.organization_id}/agents"
    console.open(address)
    signed_in(console, people["en"])
    console.page.context.clear_cookies()
    console.expect("401 ")
    console.page.get_by_role("link", name=console.text("tokens.title")).first.click()
    expect(console.button("signIn.act")).to_be_visible()
    sign_in(console, people["en"])
    signed_in(console, people["en"])


@pytest.mark.parametrize("look", LOOKS, indirect=True, ids=str)
def test_nothing_shuts_anybody_out_at_sign_in(visit: Visit) -> None:
    visit.expect(NOBODY)
    visit.open("/sign-in")
    expect(visit.button("signIn.act")).to_be_visible()
    assert axe.violations(visit.page) == []


def test_an_unknown_address_says_so(installation: Installation, console: Visit) -> None:
    console.open(f"/o/{installation.api.organization_id}/no-such-page")
    expect(console.page.get_by_text(console.text("notFound.title"))).to_be_visible()
