"""What a first page may cost: sizes and how many times the browser has to wait for one answer to ask the next."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

LARGEST_CHUNK_BYTES = 200_000
DEEPEST_WATERFALL = 2

_ENTRIES = """() => performance.getEntriesByType("resource").map((e) => ({
    name: e.name, kind: e.initiatorType, start: e.startTime, end: e.responseEnd,
    bytes: e.encodedBodySize, protocol: e.nextHopProtocol }))"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A request that the page made. Times in milliseconds since the navigation, size as it came over the wire."""

    name: str
    kind: str
    start: float
    end: float
    bytes: int


def loaded(page: Page) -> list[Loaded]:
    """All that this document has loaded so far, in the order in which it was asked for; live streams left out."""
    entries: list[dict[str, Any]] = page.evaluate(_ENTRIES)
    found = [Loaded(e["name"], e["kind"], e["start"], e["end"], e["bytes"]) for e in entries]
    return sorted((one for one in found if one.end > 0), key=lambda one: one.start)


def scripts(requests: list[Loaded]) -> list[Loaded]:
    return [one for one in requests if one.name.endswith(".js")]


def calls(requests: list[Loaded]) -> list[Loaded]:
    """Requests to the API."""
    return [one for one in requests if "/api/v1/" in one.name]


def depth(requests: list[Loaded]) -> int:
    """The longest chain in which each request began after the one before had its whole answer."""
    longest: dict[int, int] = {}
    for number, one in enumerate(requests):
        before = [longest[earlier] for earlier in range(number) if requests[earlier].end <= one.start]
        longest[number] = 1 + max(before, default=0)
    return max(longest.values(), default=0)
