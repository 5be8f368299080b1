"""`restic forget`: remove snapshots, by their ids and never by a policy."""

import asyncio
import re
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from sbs_restic.cli.commands import snapshots
from sbs_restic.cli.errors import InvalidRequestError, SnapshotsNotRemovedError, failure
from sbs_restic.cli.exit_codes import Outcome
from sbs_restic.cli.invocation import Invocation, on_repository
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository

_FULL_ID: Final = re.compile(r"[0-9a-f]{64}")
# 300 ids of 64 digits stay below the length of a command line.
_IDS_PER_CALL: Final = 300


def build_args(repository: Repository, snapshot_ids: Collection[str]) -> Invocation:
    """Give the invocation. Raises InvalidRequestError for ids that are not 64 hex digits, and for none at all.

    A short id could become ambiguous, "latest" means another snapshot tomorrow, and without any id restic
    would ask for a policy.
    """
    wrong = [snapshot_id for snapshot_id in snapshot_ids if not _FULL_ID.fullmatch(snapshot_id)]
    if wrong or not snapshot_ids:
        what = f"{wrong[0]!r} is not one" if wrong else "there is none"
        raise InvalidRequestError(f"forget takes full snapshot ids of 64 hex digits: {what}")
    return on_repository(repository, "forget", operands=sorted(snapshot_ids))


async def run(
    runner: Runner,
    repository: Repository,
    snapshot_ids: Collection[str],
    *,
    stop: asyncio.Event | None = None,
) -> None:
    """Remove these snapshots; ones that are gone already are no error. Their data stays until a prune.

    restic ends with 0 also when it could not load a snapshot and left it, so the list is read afterwards.
    Raises SnapshotsNotRemovedError, ResticFailedError.
    """
    wanted = sorted(set(snapshot_ids))
    build_args(repository, wanted[:1] and wanted)  # all ids are checked before the first one goes
    diagnostics: tuple[str, ...] = ()
    for start in range(0, len(wanted), _IDS_PER_CALL):
        invocation = build_args(repository, wanted[start : start + _IDS_PER_CALL])
        exit_ = await runner.run(invocation, stop=stop)
        if exit_.outcome not in (Outcome.OK, Outcome.INCOMPLETE):
            raise failure(exit_)
        diagnostics = exit_.diagnostics or diagnostics
    left = {
        snapshot.id for snapshot in await snapshots.run(runner, replace(repository, no_lock=True), stop=stop)
    }
    if remaining := left.intersection(wanted):
        raise SnapshotsNotRemovedError(tuple(sorted(remaining)), diagnostics)
