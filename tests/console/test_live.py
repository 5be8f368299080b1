"""A page that is live says so when it is not, and goes on by itself."""

import re

from playwright.sync_api import expect

from tests.console.visit import Visit
from tests.harness.installation import Installation
from tests.harness.witness import component, kill, standing_still


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
