"""The first page: which headers it comes with, what it costs, and that it stands still."""

from playwright.sync_api import expect

from tests.console import budget
from tests.console.people import Person
from tests.console.visit import Visit


def test_the_page_comes_with_a_policy_that_lets_nothing_in(visit: Visit) -> None:
    visit.expect("401 GET .*/api/v1/session$")
    answer = visit.page.goto(visit.url + "/sign-in")
    assert answer is not None
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert answer.headers["cache-control"] == "no-cache"
    expect(visit.button("signIn.act")).to_be_visible()


def test_the_first_page_keeps_to_its_budget(console: Visit, people: dict[str, Person]) -> None:
    console.open("/")
    expect(console.button("shell.account", name=people["en"].email)).to_be_visible()
    expect(console.page.get_by_role("heading", level=1)).to_be_visible()
    requests = budget.loaded(console.page)
    scripts, calls = budget.scripts(requests), budget.calls(requests)
    assert scripts
    assert calls
    assert [one for one in scripts if one.bytes > budget.LARGEST_CHUNK_BYTES] == []
    assert budget.depth(calls) <= budget.DEEPEST_WATERFALL, calls
    assert console.shifts() == []


def test_what_has_a_hash_in_its_name_is_loaded_once(console: Visit, people: dict[str, Person]) -> None:
    for _ in range(2):
        console.open("/")
        expect(console.button("shell.account", name=people["en"].email)).to_be_visible()
    files = "performance.getEntriesByType('resource').filter((e) => e.name.includes('/assets/'))"
    sizes = console.page.evaluate(f"{files}.map((e) => e.transferSize)")
    assert sizes
    assert set(sizes) == {0}
