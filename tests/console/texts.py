"""The words of the console, from its own catalogues: tests find things by what people read."""

import json
from functools import cache
from typing import Any

from scripts.sources import ROOT

_CATALOGUES = {
    "app": ROOT / "web" / "apps" / "admin" / "src" / "messages",
    "ui": ROOT / "web" / "packages" / "ui" / "src" / "messages",
}


@cache
def _catalogue(space: str, locale: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_CATALOGUES[space] / f"{locale}.json").read_text("utf-8"))
    return found


def text(key: str, locale: str = "en", /, **values: object) -> str:
    """The text of `agents.enrol`, or `ui:status.connected`. Raises KeyError for one that is not there."""
    space, _, path = key.rpartition(":")
    found: Any = _catalogue(space or "app", locale)
    for part in path.split("."):
        found = found[part]
    said = str(found)
    for name, value in values.items():
        said = said.replace("{{" + name + "}}", str(value))
    return said
