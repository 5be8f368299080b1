"""Writes the OpenAPI document of the administrators' API, from which the web client is generated.

python scripts/openapi.py            write web/packages/api-admin/openapi.json
python scripts/openapi.py --check    exit with 1 if that file is not what the code says
"""

import argparse
import json
import sys
from pathlib import Path

from sbs_server.api.app import described_app

TARGET = Path(__file__).resolve().parent.parent / "web" / "packages" / "api-admin" / "openapi.json"


def rendered() -> str:
    """The document as text: sorted, so that the same code always gives the same file."""
    return json.dumps(described_app().openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Write, or check, the OpenAPI document of the API.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 if the file is stale"
    )
    parser.add_argument("--target", type=Path, default=TARGET, help="file to write or check")
    arguments = parser.parse_args()
    target: Path = arguments.target
    text = rendered()
    current = target.read_text("utf-8") if target.exists() else None
    if arguments.check:
        if current != text:
            print(f"{target} is stale; run: python scripts/openapi.py", file=sys.stderr)
        return int(current != text)
    if current != text:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
