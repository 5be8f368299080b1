"""Fixtures: one browser for the session, a page for a test. `visit` is nobody's, `console` an administrator's."""

import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from demo.platform import Platform
from sbs_server.auth.sessions import COOKIE
from scripts.sources import ROOT
from tests.console import chromium
from tests.console.people import Person, administrator, session_cookie
from tests.console.scene import Scene, build
from tests.console.visit import Visit
from tests.harness.installation import Agent, Installation, enrolled

_PICTURES = ROOT / "var" / "tests" / "console"
_PATIENCE_MS = 30_000


@dataclass(frozen=True, slots=True)
class Look:
    """How a page is looked at. `width` in CSS pixels."""

    locale: str = "en"
    scheme: str = "light"
    width: int = 1440

    def __str__(self) -> str:
        return f"{self.locale}-{self.scheme}-{self.width}"


LOOKS = [Look(locale, scheme) for locale in ("en", "ru") for scheme in ("light", "dark")]
NARROW = [Look(locale, width=1024) for locale in ("en", "ru")]
Open = Callable[[Look, Person | None], Visit]


@pytest.fixture(scope="session")
def browser(installation: Installation) -> Iterator[Browser]:
    """Chromium that trusts the installation's CA. Its absence fails the tests: a skip would look like success."""
    if not (ROOT / "web" / "apps" / "admin" / "dist" / "index.html").is_file():
        pytest.fail("the console is not built: run `make web` (make test-console does)")
    expect.set_options(timeout=_PATIENCE_MS)
    with tempfile.TemporaryDirectory(prefix="sbs-browser-") as home, ExitStack() as stack:
        try:
            yield stack.enter_context(chromium.running(installation.root_certificate, Path(home)))
        except chromium.BrowserMissingError as error:
            pytest.fail(str(error))


@pytest.fixture(scope="session")
def people(installation: Installation) -> dict[str, Person]:
    """An administrator of the installation's organization for each language."""
    return {locale: administrator(installation, locale) for locale in ("en", "ru")}


@pytest.fixture(scope="session")
def agent(installation: Installation) -> Iterator[Agent]:
    """One machine for all tests; who shuts it out or takes it away brings another."""
    with enrolled(installation) as machine:
        yield machine


@pytest.fixture(scope="session")
def scene(installation: Installation, agent: Agent) -> Scene:
    """Something to see on each page. Tests look at it and leave it as it is."""
    return build(installation, agent)


@pytest.fixture
def open_console(
    installation: Installation, browser: Browser, request: pytest.FixtureRequest
) -> Iterator[Open]:
    """Opens browsers' windows on the console; after the test nothing may have gone wrong in any of them."""
    visits: list[Visit] = []
    url = Platform(installation.data_dir).console_page
    with ExitStack() as contexts:

        def open_one(look: Look, person: Person | None) -> Visit:
            context = browser.new_context(
                locale={"en": "en-GB", "ru": "ru-RU"}[look.locale],
                color_scheme="dark" if look.scheme == "dark" else "light",
                viewport={"width": look.width, "height": 900},
                reduced_motion="reduce",
                timezone_id="Europe/Moscow",
            )
            contexts.callback(context.close)
            context.set_default_timeout(_PATIENCE_MS)
            if person is not None:
                _sign_in(context, installation, person, url)
            visits.append(Visit(context.new_page(), url, look.locale))
            return visits[-1]

        yield open_one
        unexpected = [line for visit in visits for line in visit.unexpected()]
        if unexpected or request.node.stash.get(FAILED, False):
            for number, visit in enumerate(visits):
                visit.keep(_PICTURES, f"{request.node.name}-{number}")
        assert unexpected == []


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Lets the fixtures know whether the test failed."""
    del call
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


def _sign_in(context: BrowserContext, installation: Installation, person: Person, url: str) -> None:
    """A session of its own for each page: one test may end it without another noticing."""
    cookie = session_cookie(installation, person)
    context.add_cookies([{"name": COOKIE, "value": cookie, "url": url, "secure": True, "httpOnly": True}])


@pytest.fixture
def look(request: pytest.FixtureRequest) -> Look:
    """English and light, unless a test is parametrized with others: `@pytest.mark.parametrize("look", LOOKS)`."""
    return getattr(request, "param", Look())


@pytest.fixture
def visit(open_console: Open, look: Look) -> Visit:
    """A window of somebody who has not signed in."""
    return open_console(look, None)


@pytest.fixture
def console(open_console: Open, look: Look, people: dict[str, Person]) -> Visit:
    """A window of an administrator who has signed in, not yet at any address."""
    return open_console(look, people[look.locale])
