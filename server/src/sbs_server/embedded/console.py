"""Where the build of the console is, if the operator's settings don't say."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from sbs_server.config import Settings

_INSTALLED = Path("share", "sbs", "console")
_IN_CHECKOUT = Path("web", "apps", "admin", "dist")


def environment(settings: Settings) -> Mapping[str, str]:
    """What the API has to be told, as variables; empty if it knows already, or there is nothing to be found."""
    found = None if settings.console.dir is not None else _find()
    return {} if found is None else {"SBS_CONSOLE__DIR": str(found)}


def _find() -> Path | None:
    """Beside the interpreter of an installation; in a checkout also before `make web` has put anything there."""
    installed = Path(sys.prefix) / _INSTALLED
    if installed.is_dir():
        return installed
    # server/src/sbs_server/embedded/console.py
    checkout = Path(__file__).resolve().parents[4]
    return checkout / _IN_CHECKOUT if (checkout / _IN_CHECKOUT.parent).is_dir() else None
