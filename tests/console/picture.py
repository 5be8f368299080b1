"""python -m tests.console.picture DATA_DIRECTORY EMAIL PASSWORD_FILE: the README's picture, of a platform that runs.

After `make demo` its platform is one with something to see. Writes docs/images/console.png.
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect

from demo.platform import Platform
from scripts.sources import ROOT
from tests.console import chromium

_TARGET = ROOT / "docs" / "images" / "console.png"


def main(data_dir: Path, email: str, password: str) -> None:
    platform = Platform(data_dir)
    with (
        tempfile.TemporaryDirectory() as home,
        chromium.running(platform.root_certificate, Path(home)) as browser,
    ):
        page = browser.new_page(viewport={"width": 1440, "height": 860}, locale="en-GB", color_scheme="light")
        page.goto(platform.console_page)
        page.locator("input[type=email]").fill(email)
        page.locator("input[type=password]").fill(password)
        page.locator("button[type=submit]").click()
        expect(page.locator("main table tbody tr").first).to_be_visible(timeout=30_000)
        page.mouse.move(0, 0)  # what lies under the button that was clicked would show its tip
        page.screenshot(path=_TARGET)
    print(f"written: {_TARGET.relative_to(ROOT)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).read_text(encoding="utf-8").strip())
