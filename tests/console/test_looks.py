"""Each page in both languages and schemes: nothing shuts anybody out, moves, is cut off, is in another language."""

import re

import pytest
from playwright.sync_api import expect

from tests.console import axe, budget
from tests.console.conftest import LOOKS, Look
from tests.console.pages import go, section
from tests.console.scene import Scene
from tests.console.visit import Visit
from tests.harness.installation import Installation

# Words that are the same in every language, and those of the tests themselves.
_NAMES = re.compile(
    r"\b(restic|SBS|CSV|Debian|Linux|bookworm|Ctrl|English|UTC|cron|MON-FRI|tmp|documents|tests|place|job|vm)\b"
    r"|\b[0-9a-f]{6,8}\b|\S+\.(txt|db|tmp|bin)\b|[\w-]+-\w+|(backup|restore|command|paths)\.\w+|x86_64|GNU/Linux"
    r"|open \S+ permission denied|permission denied|\bopen\b|\bfiltered machine\b"
)
_WORDS = """() => {
    const said = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement
        if (!parent.closest("code, script, style, .sbs-mono, [lang=en], a[href*='/o/']:not(nav a), h1, time"))
            said.push(walker.currentNode.textContent)
    }
    for (const element of document.querySelectorAll("[aria-label], [placeholder]"))
        said.push(element.getAttribute("aria-label") ?? "", element.getAttribute("placeholder") ?? "")
    return said.map((text) => text.trim()).filter(Boolean)
}"""
# A key of the catalogue that nobody has written a text for is shown as it is.
_RAW_KEY = re.compile(r"^[a-z][a-zA-Z]*(\.[a-zA-Z_]+)+$")


# Each language and each scheme once; the other pairs take as long again.
_LOOKS = [
    pytest.param(look, marks=() if (look.locale == "en") is (look.scheme == "light") else pytest.mark.slow)
    for look in LOOKS
]


def pages(scene: Scene) -> dict[str, str]:
    """Every address, and what is on its page when it is complete (a selector)."""
    table, badge = "main table tbody tr", "main header [data-tone]"
    return {
        "": table,
        "/runs": table,
        f"/runs/{scene.good['id']}": badge,
        f"/runs/{scene.warned['id']}": table,
        f"/runs/{scene.failed['id']}": badge,
        f"/runs/{scene.restored['id']}": badge,
        "/jobs": table,
        "/jobs/new": "main form",
        f"/jobs/{scene.job['id']}": badge,
        f"/jobs/{scene.job['id']}/edit": "main form",
        "/agents": table,
        f"/agents/{scene.agent.id}": badge,
        "/agents/tokens": table,
        "/snapshots": table,
        f"/snapshots/{scene.snapshot}?path={scene.documents}": table,
        "/restore": table,
        "/repositories": table,
        f"/repositories/{scene.repository['id']}": badge,
    }


@pytest.mark.timeout(400)
@pytest.mark.parametrize("look", _LOOKS, indirect=True, ids=str)
def test_every_page_is_fit_to_be_looked_at(
    installation: Installation, console: Visit, scene: Scene, look: Look
) -> None:
    wrong: list[str] = []
    for address, complete in pages(scene).items():
        go(console, installation, address)
        expect(console.page.locator(complete).first).to_be_visible()
        console.page.wait_for_load_state("load")
        expect(console.page.locator("[aria-busy=true]")).to_have_count(0)
        wrong += [f"{address}: {problem}" for problem in problems(console, look)]
    assert wrong == [], "\n".join(wrong)


def problems(visit: Visit, look: Look) -> list[str]:
    found = axe.violations(visit.page)
    found += [f"moves: {shift}" for shift in visit.shifts()]
    found += waterfall(visit)
    said: list[str] = visit.page.evaluate(_WORDS)
    found += [f"no text for: {text}" for text in said if _RAW_KEY.match(text) or "{{" in text]
    if look.locale == "ru":
        found += [f"not Russian: {text}" for text in said if re.search("[A-Za-z]{3}", foreign(text))]
    found += [f"cut off: {text}" for text in visit.cut_off()]
    return found + narrow(visit, look)


def waterfall(visit: Visit) -> list[str]:
    """Requests that need each other's answers. Seen twice: on a busy machine one comes late by chance."""
    for _ in range(2):
        calls = budget.calls(budget.loaded(visit.page))
        if budget.depth(calls) <= budget.DEEPEST_WATERFALL:
            return []
        visit.page.reload()
        expect(visit.page.get_by_role("heading", level=1)).to_be_visible()
        expect(visit.page.locator("[aria-busy=true]")).to_have_count(0)
    return [f"waterfall: {[(call.name, call.start, call.end) for call in calls]}"]


def foreign(text: str) -> str:
    """The text without names, addresses, paths and mail."""
    return _NAMES.sub("", re.sub(r"\S*[@/\\]\S*", "", text.replace("GNU/Linux", "")))


def narrow(visit: Visit, look: Look) -> list[str]:
    """What does not fit into a window of 1024 pixels."""
    visit.page.set_viewport_size({"width": 1024, "height": 900})
    found = [f"cut off: {text}" for text in visit.cut_off()]
    if visit.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("scrolls sideways")
    visit.page.set_viewport_size({"width": look.width, "height": 900})
    return found


def test_another_language_is_taken_everywhere_and_for_good(
    installation: Installation, console: Visit, scene: Scene
) -> None:
    go(console, installation, f"/runs/{scene.failed['id']}")
    in_english = console.page.get_by_role("alert").inner_text()
    console.page.get_by_role("button", name=re.compile(f"^{console.text('shell.language')}")).click()
    console.page.get_by_role("menuitem", name="Русский").click()
    expect(console.page.locator("html")).to_have_attribute("lang", "ru")
    console.locale = "ru"
    # The server's own words as well.
    expect(console.page.get_by_role("alert")).not_to_contain_text(in_english.splitlines()[0])
    expect(console.page.get_by_role("alert")).to_contain_text("источник")
    expect(section(console, "runs.timeline")).to_be_visible()
    console.page.reload()
    expect(section(console, "runs.timeline")).to_be_visible()
    console.page.get_by_role("button", name=re.compile(f"^{console.text('shell.language')}")).click()
    console.page.get_by_role("menuitem", name="English").click()
    console.locale = "en"
    expect(section(console, "runs.timeline")).to_be_visible()


def test_another_scheme_is_taken_and_stays(installation: Installation, console: Visit, scene: Scene) -> None:
    go(console, installation)

    def ground() -> str:
        return str(console.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    light = ground()
    console.button("shell.scheme").click()
    console.page.get_by_role("menuitem", name=console.text("scheme.dark")).click()
    expect(console.page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    dark = ground()
    assert dark != light
    console.page.reload()
    expect(console.page.get_by_role("heading", level=1)).to_be_visible()
    assert ground() == dark
