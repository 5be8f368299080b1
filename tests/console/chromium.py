"""The system's Chromium, with a profile that trusts the installation's CA and nothing else of ours."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserType, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
# Nothing that calls home or draws on a graphics card.
_QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class BrowserMissingError(Exception):
    """A program that the browser tests need is not installed; the message says how to get it."""


def program(names: tuple[str, ...], package: str) -> str:
    """The path of the first of `names` that there is. Raises BrowserMissingError."""
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        raise BrowserMissingError(
            f"the browser tests need {names[0]}, which is not on PATH: "
            f"have root run `apt-get install {package}` (Debian; elsewhere the package of that program)"
        )
    return found


@contextmanager
def running(root_certificate: Path, home: Path) -> Iterator[Browser]:
    """A headless browser whose home is `home`; certificates of this CA are as good to it as the public ones'."""
    trust(root_certificate, home)
    with sync_playwright() as playwright, launched(playwright.chromium, home) as browser:
        yield browser


@contextmanager
def launched(kind: BrowserType, home: Path) -> Iterator[Browser]:
    """A headless browser that knows what its `home` tells it. Raises BrowserMissingError."""
    browser = kind.launch(
        executable_path=program(_NAMES, "chromium"),
        args=list(_QUIET),
        env={"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"},
        timeout=60_000,
    )
    try:
        yield browser
    finally:
        browser.close()


def trust(root_certificate: Path, home: Path) -> None:
    """Chromium asks the NSS database of its user which CAs to trust beside those it was built with."""
    database = home / ".pki" / "nssdb"
    database.mkdir(parents=True, mode=0o700)
    certutil = [program(("certutil",), "libnss3-tools"), "-d", f"sql:{database}"]
    subprocess.run([*certutil, "-N", "--empty-password"], check=True)
    add = ["-A", "-n", "SBS", "-t", "C,,", "-i", str(root_certificate)]
    subprocess.run([*certutil, *add], check=True)
