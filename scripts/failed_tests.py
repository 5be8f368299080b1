"""The tests that failed in pytest's last run, a line each; nothing if they are more than a few.

`scripts/test` runs a few failures once more. Many failures are no hiccup, and are not tried again.
"""

import json
import sys
from pathlib import Path

FEW = 3
_CACHE = Path(".pytest_cache/v/cache/lastfailed")


def few_failures(cache: Path) -> list[str]:
    """Node ids of the failed tests, sorted; empty when there are none or more than `FEW`. Errors: OSError."""
    failed = sorted(json.loads(cache.read_text(encoding="utf-8")))
    return failed if len(failed) <= FEW else []


if __name__ == "__main__":
    sys.stdout.writelines(f"{name}\n" for name in few_failures(_CACHE))
