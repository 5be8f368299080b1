"""What ends a restore before it has put anything at its place."""

from pathlib import Path
from typing import NoReturn

from sbs_agent.commands.restore_plan import Plan
from sbs_agent.commands.target import Target
from sbs_agent.errors import CommandError, refuse
from sbs_agent.reporting import examples
from sbs_protocol.commands import ConflictPolicy, RestoreRun
from sbs_protocol.events import ErrorCode, Problem
from sbs_protocol.paths import WirePath

_EXAMPLES = 100


def refuse_what_cannot_be(plan: Plan, body: RestoreRun, target: Target, needed_bytes: int) -> None:
    """Everything that can be known before the first byte is written. Raises `CommandError`."""
    if plan.through_links:
        refuse(
            ErrorCode.TARGET_NOT_ALLOWED,
            f"below {str(target.path)!r} a symbolic link stands where the snapshot has a folder, so files would be"
            " written elsewhere: remove the link or choose another folder",
            examples(plan.through_links, _EXAMPLES),
        )
    if plan.mounted and body.policy is not ConflictPolicy.OVERWRITE:
        refuse(
            ErrorCode.TARGET_NOT_ALLOWED,
            f"below {str(target.path)!r} another file system is mounted where the snapshot has a folder, so files"
            " cannot be put there in one step: choose another folder, or overwrite",
            examples(plan.mounted, _EXAMPLES),
        )
    if body.policy is ConflictPolicy.REFUSE and plan.conflicts:
        refuse(
            ErrorCode.TARGET_EXISTS,
            f"{plan.conflicts} of {plan.files} files are already there, and nothing was written: choose another"
            " folder, or skip, overwrite or keep both",
            examples(plan.in_the_way, _EXAMPLES),
        )
    if needed_bytes > target.free_bytes:
        refuse(
            ErrorCode.NO_SPACE,
            f"the restore needs {needed_bytes} bytes and {target.nearest} has {target.free_bytes} left, so nothing"
            " was written: free space or choose another folder",
        )


def refuse_taken_places(count: int, in_the_way: list[WirePath]) -> None:
    """Raises `CommandError` if there are any."""
    if count:
        refuse(
            ErrorCode.TARGET_EXISTS,
            f"{count} files came into the target while the restore ran, and nothing was put there: choose another"
            " folder, or skip, overwrite or keep both",
            examples(in_the_way, _EXAMPLES),
        )


def refuse_lost_staging(folder: Path) -> None:
    """Raises `CommandError`."""
    refuse(
        ErrorCode.TARGET_NOT_WRITABLE,
        f"{folder} was removed while restored files were moved from it; some are at their places: restore again,"
        " and let the restore skip what is there",
    )


def wait_for_staging(folder: Path, error: OSError) -> NoReturn:
    """It holds what is not at its place yet, so it stays for the next attempt. Raises `CommandError`."""
    text = (
        f"{folder}, which holds restored files that are not at their places yet, cannot be used: {error.strerror};"
        " it is kept, and the next attempt goes on with it"
    )
    raise CommandError(Problem(code=ErrorCode.TARGET_NOT_WRITABLE, message=text, retryable=True)) from error
