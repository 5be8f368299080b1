"""A program of its own around one backup, so that tests can kill it or run it as an ordinary user.

Arguments: binary, repository, source, KiB/s (0: no limit), "frozen" or "". The password comes on stdin.
Prints "started" at the first status, then one JSON object per unreadable item, then the outcome.
"""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from sbs_restic.cli import Repository, Runner, RunnerSettings, resolve_lossy_path
from sbs_restic.cli.commands import backup
from sbs_restic.cli.messages import BackupStatus, ItemError


def on_status(_: BackupStatus) -> None:
    print("started", flush=True)


def on_item_error(error: ItemError) -> None:
    real = resolve_lossy_path(error.item)
    print(
        json.dumps({"item": error.item, "real": real.hex() if real else None, "during": error.during}),
        flush=True,
    )


async def main() -> None:
    binary, location, source, limit, frozen = sys.argv[1:]
    if frozen:
        sys.frozen = True  # type: ignore[attr-defined]  # as in a packaged program: no Python to start
    repository = replace(
        Repository.local(location, SecretStr(sys.stdin.read())),
        limit_upload_kib=int(limit) or None,
        extra=("--pack-size=4",),
    )
    runner = Runner(RunnerSettings(binary=Path(binary)))
    request = backup.BackupRequest(sources=(source,), host="h")
    result = await backup.run(runner, repository, request, on_status=on_status, on_item_error=on_item_error)
    print(json.dumps({"outcome": result.outcome, "errors": result.item_errors}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
