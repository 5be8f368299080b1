"""A page of the console that is watched: whatever goes wrong in it fails the test, unless the test said it would."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Error, Locator, Page, Request, Response

from tests.console.texts import text

# Runs in each document before anything of ours: what can be asked for only while it happens is written down.
_OBSERVER = """
window.sbsShifts = []
new PerformanceObserver((list) => {
    for (const entry of list.getEntries())
        if (!entry.hadRecentInput)
            window.sbsShifts.push({ value: entry.value, nodes: entry.sources.map((s) => s.node?.className ?? "") })
}).observe({ type: "layout-shift", buffered: true })
"""
_CUT_OFF = """() => [...document.body.querySelectorAll("*")].filter((element) => {
    const own = [...element.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.textContent.trim())
    if (!own || !element.checkVisibility() || element.closest("[title]")) return false
    const box = element.getBoundingClientRect()
    // One pixel in size and clipped: for screen readers only.
    if (box.width <= 1 || box.height <= 1) return false
    const hides = getComputedStyle(element).overflowX !== "visible"
    return (hides && element.scrollWidth > element.clientWidth + 1) || box.right > window.innerWidth + 1
}).map((element) => element.textContent.trim().slice(0, 80))"""
_PATIENCE_S = 30
_PAUSE_MS = 50
_ERRORS = {"error", "warning"}


@dataclass
class Visit:
    """`page` and what was seen in it. `url` is the console's own address, without a path."""

    page: Page
    url: str
    locale: str
    trouble: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    _expected: list[re.Pattern[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(_OBSERVER)
        self.page.on("console", self._said)
        self.page.on("pageerror", self._threw)
        self.page.on("request", self._asked)
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)

    def open(self, path: str = "/") -> None:
        """Goes to an address of the console as if it had been typed."""
        self.page.goto(self.url + path)

    def text(self, key: str, /, **values: object) -> str:
        """A text of the console in the language of this visit."""
        return text(key, self.locale, **values)

    def button(self, key: str, /, **values: object) -> Locator:
        return self.page.get_by_role("button", name=self.text(key, **values), exact=True)

    def field(self, key: str) -> Locator:
        return self.page.get_by_label(self.text(key), exact=True)

    def expect(self, pattern: str) -> None:
        """Trouble that this regular expression finds is what the test is about: `401 .*/session`, for example."""
        self._expected.append(re.compile(pattern))

    def unexpected(self) -> list[str]:
        """What went wrong and nobody expected."""
        return [line for line in self.trouble if not any(known.search(line) for known in self._expected)]

    def noticed(self, pattern: str) -> None:
        """Waits for trouble that this regular expression finds, which is then expected."""
        end = time.monotonic() + _PATIENCE_S
        while not any(re.search(pattern, line) for line in self.trouble):
            assert time.monotonic() < end, f"nothing like {pattern} in {self.trouble}"
            self.page.wait_for_timeout(_PAUSE_MS)
        self.expect(pattern)

    def shifts(self) -> list[dict[str, Any]]:
        """What moved under the reader's eyes without them having touched anything, in this document."""
        found: list[dict[str, Any]] = self.page.evaluate("window.sbsShifts")
        return found

    def cut_off(self) -> list[str]:
        """Texts of which a part is out of sight: in a box too small for them, or beyond the window's edge.

        What may be cut short shows its whole text on hover and is left out.
        """
        found: list[str] = self.page.evaluate(_CUT_OFF)
        return found

    def keep(self, folder: Path, name: str) -> None:
        """A picture and the document, for who has to find out why a test failed."""
        folder.mkdir(parents=True, exist_ok=True)
        try:
            self.page.screenshot(path=folder / f"{name}.png", full_page=True)
            (folder / f"{name}.html").write_text(self.page.content(), "utf-8")
        except (
            Error
        ) as error:  # a page that has crashed has no picture; the test's own failure is what counts
            (folder / f"{name}.txt").write_text(str(error), "utf-8")

    def _said(self, message: ConsoleMessage) -> None:
        # The browser's own line about an answer comes with the address, and again below with its status.
        if message.type in _ERRORS and "Failed to load resource" not in message.text:
            self.trouble.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def _threw(self, error: Error) -> None:
        self.trouble.append(f"uncaught: {error}")

    def _asked(self, request: Request) -> None:
        self.requests.append(request)

    def _failed(self, request: Request) -> None:
        # The page itself ends what it no longer needs: a live stream, a search that was typed over.
        if request.failure != "net::ERR_ABORTED":
            self.trouble.append(f"request failed: {request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.trouble.append(f"{response.status} {response.request.method} {response.url}")
