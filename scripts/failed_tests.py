"""python -m scripts.failed_tests CACHE: the tests that failed in pytest's last run with this cache folder.

A line each; nothing if they are more than a few. `scripts/test` runs a few failures once more; many are no hiccup.
"""

import json
import sys
from pathlib import Path

FEW = 3


def few_failures(cache: Path) -> list[str]:
    """Node ids of the failed tests, sorted; empty when there are none or more than `FEW`. Errors: OSError."""
    record = cache / "v" / "cache" / "lastfailed"
    failed = sorted(json.loads(record.read_text(encoding="utf-8")))
    return failed if len(failed) <= FEW else []


if __name__ == "__main__":
    sys.stdout.writelines(f"{name}\n" for name in few_failures(Path(sys.argv[1])))
