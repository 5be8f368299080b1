"""How a restore ended, in numbers."""

from sbs_agent.commands.restore_failures import Failures
from sbs_agent.commands.restore_marker import Ending
from sbs_agent.commands.restore_move import RENAMED_AT_MOST, Moved
from sbs_agent.commands.restore_plan import Plan
from sbs_agent.commands.target import Target
from sbs_agent.reporting import examples
from sbs_protocol.commands import ConflictPolicy, RestoreRun
from sbs_protocol.events import CommandResult, ErrorCode, Problem, RestoreResult
from sbs_restic.cli.commands import restore

_FULL_BELOW_BYTES = 1024 * 1024
_EXAMPLES = 100


def ending(
    plan: Plan,
    done: restore.RestoreResult,
    failures: Failures,
    body: RestoreRun,
    target: Target,
    *,
    kept: int,
    warned: bool,
) -> Ending:
    """After restic has ended. `kept`: regular files that it was told not to fetch."""
    failed = len(failures.items)
    # restic reads back each regular file it has written, and reports those that differ; one that it finds right
    # already it has read too.
    verified = max(0, plan.to_verify - kept - failed) if body.verify else None
    report = RestoreResult(
        files_restored=max(0, plan.files - kept - failed),
        files_skipped=kept,
        files_failed=failed,
        bytes_restored=done.summary.bytes_restored,
        bytes_skipped=done.summary.bytes_skipped,
        files_verified=verified,
    )
    problem = _problem(report, failures, target)
    result = CommandResult.COMPLETED_WITH_WARNINGS if warned else CommandResult.SUCCEEDED
    return Ending(
        result=result if problem is None else CommandResult.FAILED,
        restore=report,
        problem=problem,
        restic_exit_code=done.exit.returncode,
    )


def _problem(report: RestoreResult, failures: Failures, target: Target) -> Problem | None:
    wrong = failures.unverified
    paths = examples(wrong or failures.items.values(), _EXAMPLES)
    if wrong:
        text = f"{len(wrong)} restored files do not match the snapshot: restore them again, check the disk"
        return Problem(code=ErrorCode.VERIFICATION_FAILED, message=text, retryable=True, paths=paths)
    if report.files_failed and target.free_bytes < _FULL_BELOW_BYTES:
        text = f"{report.files_failed} files could not be written: no space is left at {target.path}"
        return Problem(code=ErrorCode.NO_SPACE, message=text, retryable=False, paths=paths)
    if report.files_failed and not report.files_restored and not report.files_skipped:
        text = f"no file could be written to {target.path}: {failures.first_message}"
        return Problem(code=ErrorCode.TARGET_NOT_WRITABLE, message=text, retryable=False, paths=paths)
    return None


def with_moved(ended: Ending, moved: Moved, body: RestoreRun) -> Ending:
    """The end after all files are at their places, but those whose place was taken."""
    before = ended.restore
    verified = before.files_verified
    report = before.model_copy(
        update={
            "files_restored": max(0, before.files_restored - moved.left),
            "files_skipped": before.files_skipped + moved.left,
            "files_verified": None if verified is None else max(0, verified - moved.left_regular),
            "renamed": examples(moved.renamed, RENAMED_AT_MOST),
        }
    )
    if body.policy is not ConflictPolicy.REFUSE or not moved.left:
        return ended.model_copy(update={"restore": report})
    problem = Problem(
        code=ErrorCode.TARGET_EXISTS,
        message=f"{moved.left} files came into the target while the restore ran and were left as they are; the others"
        " were restored: restore what is missing to another folder",
        retryable=False,
        paths=examples(moved.in_the_way, _EXAMPLES),
    )
    return ended.model_copy(update={"restore": report, "problem": problem, "result": CommandResult.FAILED})
