"""axe: what a machine can find of the things that shut people out."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from scripts.sources import ROOT

_SCRIPT = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
# Contrast is worked out from what is on the screen: nothing may be half faded in.
_STILL = "Promise.all(document.getAnimations().filter(a => a.effect?.getTiming().iterations !== Infinity)" + (
    ".map(a => a.finished.catch(() => null))).then(() => null)"
)


def violations(page: Page, *, script: Path = _SCRIPT) -> list[str]:
    """One line for each rule and element that axe finds fault with; empty is what we want."""
    if not page.evaluate("typeof window.axe === 'object'"):
        # From outside the page, so that its Content-Security-Policy has no say in it.
        page.evaluate(script.read_text("utf-8") + "; null")
    page.evaluate(_STILL)
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", _TAGS
    )
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:400]} ({node['failureSummary']})"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]
