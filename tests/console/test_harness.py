"""That the browser tests would notice: what they hold against a page is tried on pages that do it."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error

from tests.console import axe, budget, chromium
from tests.console.visit import Visit
from tests.harness.installation import Installation


def _open(visit: Visit) -> None:
    """The console for somebody who has not signed in: it asks, and is told that."""
    visit.open("/")
    visit.noticed("401 GET .*/api/v1/session$")


def test_a_browser_that_was_not_told_of_the_ca_refuses_the_console(
    installation: Installation, browser: Browser, tmp_path: Path
) -> None:
    with chromium.launched(browser.browser_type, tmp_path) as other:
        page = other.new_page()
        with pytest.raises(Error, match="ERR_CERT_AUTHORITY_INVALID"):
            page.goto(installation.url)


@pytest.mark.parametrize(
    ("misdeed", "noticed"),
    [
        (
            "const s = document.createElement('script'); s.text = 'window.x = 1'; document.body.append(s)",
            "script",
        ),
        (
            "const s = document.createElement('style'); s.textContent = 'p{}'; document.head.append(s)",
            "style",
        ),
        ("fetch('https://example.org/').catch(() => null)", "connect"),
        ("setTimeout(() => { throw new Error('boom') })", "uncaught: .*boom"),
        ("console.error('this went wrong')", "this went wrong"),
        ("fetch('/api/v1/nowhere').then(() => null)", "404 GET .*/api/v1/nowhere"),
    ],
    ids=["inline script", "inline style", "foreign host", "exception", "logged error", "refused request"],
)
def test_what_goes_wrong_in_a_page_is_noticed(visit: Visit, misdeed: str, noticed: str) -> None:
    _open(visit)
    assert visit.unexpected() == []
    visit.page.evaluate(f"() => {{ {misdeed} }}")
    visit.noticed(noticed)


def test_what_shuts_people_out_is_noticed(visit: Visit) -> None:
    _open(visit)
    visit.page.evaluate("document.body.append(document.createElement('button'))")
    assert any(line.startswith("button-name: ") for line in axe.violations(visit.page))


def test_a_text_that_does_not_fit_is_noticed(visit: Visit) -> None:
    _open(visit)
    assert visit.cut_off() == []
    visit.page.evaluate(
        "() => { const p = document.createElement('p'); p.textContent = 'a longer text'; document.body.append(p);"
        " Object.assign(p.style, { width: '20px', overflow: 'hidden', whiteSpace: 'nowrap' }) }"
    )
    assert visit.cut_off() == ["a longer text"]


def test_what_moves_under_the_readers_eyes_is_noticed(visit: Visit) -> None:
    _open(visit)
    visit.page.evaluate(
        "() => { const d = document.createElement('div'); d.style.height = '300px'; document.body.prepend(d) }"
    )
    visit.page.wait_for_function("window.sbsShifts.length > 0")
    assert visit.shifts()[0]["value"] > 0


def test_requests_that_wait_for_each_other_are_counted() -> None:
    def one(start: float, end: float) -> budget.Loaded:
        return budget.Loaded("/api/v1/x", "fetch", start, end, 1)

    assert budget.depth([]) == 0
    assert budget.depth([one(0, 5), one(1, 9)]) == 1
    assert budget.depth([one(0, 5), one(1, 9), one(6, 7), one(9, 10)]) == 3
