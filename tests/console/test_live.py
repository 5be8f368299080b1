"""A page that is live says so when it is not, and goes on by itself."""

import re
from contextlib import ExitStack

from playwright.sync_api import expect

from sbs_server.auth.sessions import COOKIE
from tests.console.conftest import Look, Open
from tests.console.people import Person, client, session_cookie
from tests.console.visit import Visit
from tests.harness.installation import Installation
from tests.harness.witness import component, kill, standing_still

_MORE_THAN_ANYBODY_HAS = 200


def test_a_lost_connection_is_told_and_comes_back_without_a_reload(
    installation: Installation, console: Visit
) -> None:
    console.open(f"/o/{installation.api.organization_id}/agents")
    expect(console.page.get_by_role("heading", level=1)).to_be_visible()
    console.page.evaluate("window.sbsNeverReloaded = true")
    # While nobody answers: the ingress says so, or the browser does.
    console.expect("^50[234] GET |^request failed: GET |^console error: .*net::ERR")
    lost = console.page.get_by_text(re.compile(re.escape(console.text("live.lost").split("{{")[0])))
    # Held, so that what starts the API again does not come before we have seen that it is gone.
    with standing_still(component(installation, "supervisor")):
        kill(installation, "api")
        expect(lost).to_be_visible()
    installation.settle()
    expect(lost).to_be_hidden()
    assert console.page.evaluate("window.sbsNeverReloaded") is True


def test_one_window_too_many_says_so_waits_as_asked_and_is_let_in_when_another_is_closed(
    installation: Installation, open_console: Open, people: dict[str, Person]
) -> None:
    person = people["en"]
    with ExitStack() as windows:
        _take_all_streams(installation, person, windows)
        late = open_console(Look(), person)
        late.expect("429 GET .*/events$|^console error: .*EventSource")
        late.open(f"/o/{installation.api.organization_id}/agents")
        told = late.page.get_by_text(late.text("live.tooMany"))
        expect(told).to_be_visible()
        asked = len(_questions(late))
    expect(told).to_be_hidden()
    # The refused stream, the question why, and one more when the time had come: no storm.
    assert len(_questions(late)) <= asked + 3
    expect(late.page.get_by_text(late.text("live.lost").split("{{")[0])).to_have_count(0)


def _take_all_streams(installation: Installation, person: Person, windows: ExitStack) -> None:
    """Opens streams of changes for the person until the platform lets no more in."""
    http = windows.enter_context(client(installation))
    cookie = {"Cookie": f"{COOKIE}={session_cookie(installation, person)}"}
    path = f"/organizations/{installation.api.organization_id}/events"
    for _ in range(_MORE_THAN_ANYBODY_HAS):
        answer = http.send(http.build_request("GET", path, headers=cookie), stream=True)
        windows.callback(answer.close)
        if answer.status_code == 429:
            assert int(answer.headers["Retry-After"]) > 0
            return
        assert answer.status_code == 200
    raise AssertionError("there is no end of streams")


def _questions(visit: Visit) -> list[str]:
    return [request.url for request in visit.requests if request.url.endswith("/events")]
