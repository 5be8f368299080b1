"""How a restore ended, in numbers."""

from dataclasses import dataclass

from sbs_agent.commands.restore_failures import Failures
from sbs_agent.commands.restore_marker import Ending
from sbs_agent.commands.restore_move import NAMED_AT_MOST, RENAMED_AT_MOST, Moved
from sbs_agent.commands.restore_plan import Plan
from sbs_agent.commands.target import Target
from sbs_agent.reporting import examples
from sbs_protocol.commands import ConflictPolicy, RestoreRun
from sbs_protocol.events import CommandResult, ErrorCode, FileWarning, Problem, RestoreResult
from sbs_protocol.paths import WirePath
from sbs_restic.cli.commands import restore

_FULL_BELOW_BYTES = 1024 * 1024
_EXAMPLES = 100


@dataclass(frozen=True, slots=True)
class Written:
    """What restic did, in one run or two. `kept`: regular files that it was told not to fetch."""

    bytes_restored: int
    bytes_skipped: int
    exit_code: int
    kept: int = 0


def written(done: restore.RestoreResult, kept: int = 0, more: restore.RestoreResult | None = None) -> Written:
    """`more`: a second run, for files that the first was told not to fetch."""
    first = done.summary
    if more is None:
        return Written(first.bytes_restored, first.bytes_skipped, done.exit.returncode, kept)
    late = more.summary.bytes_restored
    code = more.exit.returncode or done.exit.returncode
    return Written(first.bytes_restored + late, max(0, first.bytes_skipped - late), code, kept)


def ending(
    plan: Plan, done: Written, failures: Failures, body: RestoreRun, target: Target, *, warned: bool
) -> Ending:
    """After restic has ended."""
    failed = len(failures.items)
    # restic reads back each regular file it has written, and reports those that differ; one that it finds right
    # already it has read too.
    verified = max(0, plan.to_verify - done.kept - failed) if body.verify else None
    report = RestoreResult(
        files_restored=max(0, plan.files - done.kept - failed),
        files_skipped=done.kept,
        files_failed=failed,
        bytes_restored=done.bytes_restored,
        bytes_skipped=done.bytes_skipped,
        files_verified=verified,
        owners_not_restored=plan.owners_lost,
    )
    problem = _problem(report, failures, target)
    warnings = [*plan.warnings, *failures.warnings, *lost_owners(plan)]
    result = CommandResult.COMPLETED_WITH_WARNINGS if warned or warnings else CommandResult.SUCCEEDED
    return Ending(
        result=result if problem is None else CommandResult.FAILED,
        restore=report,
        problem=problem,
        restic_exit_code=done.exit_code,
        warnings=warnings[:NAMED_AT_MOST],
    )


def lost_owners(plan: Plan) -> list[FileWarning]:
    """One for the whole restore: restic says nothing of it."""
    if not plan.owners_lost:
        return []
    others = plan.owners_lost - len(plan.of_others)
    named = ", ".join(plan.of_others) + (f" and {others} more" if others else "")
    text = (
        f"the owner and group of {plan.owners_lost} files and folders were not restored, since the agent does not run"
        f" as root: they belong to the agent's account now ({named}). Contents are not concerned; run the agent as"
        " root, or set the owners by hand"
    )
    return [FileWarning(path=WirePath(text=plan.of_others[0]), code="owner_lost", message=text)]


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
            "files_skipped": before.files_skipped + moved.left - moved.left_out,
            "files_failed": before.files_failed + moved.left_out,
            "bytes_restored": max(0, before.bytes_restored - moved.left_bytes),
            "files_verified": None if verified is None else max(0, verified - moved.left_regular),
            "renamed": examples(moved.renamed, RENAMED_AT_MOST),
        }
    )
    problem = _taken_places(report, moved, body) or _nothing_placed(report, moved)
    result = CommandResult.COMPLETED_WITH_WARNINGS if moved.named else ended.result
    return ended.model_copy(
        update={
            "restore": report,
            "problem": problem or ended.problem,
            "result": CommandResult.FAILED if problem else result,
            "warnings": [*ended.warnings, *left_out(moved)][:NAMED_AT_MOST],
        }
    )


def left_out(moved: Moved) -> list[FileWarning]:
    """One for each path, as many as are kept."""
    return [FileWarning(path=one.path, code=one.code, message=one.reason) for one in moved.named]


def _taken_places(report: RestoreResult, moved: Moved, body: RestoreRun) -> Problem | None:
    if body.policy is ConflictPolicy.REFUSE and moved.left > moved.failed:
        others = f", but for {moved.failed} that the system refused" if moved.failed else ""
        text = (
            f"{moved.left - moved.failed} files came into the target while the restore ran and were left as they are;"
            f" the others were restored{others}: restore what is missing to another folder"
        )
    elif moved.left_out and not moved.failed and not report.files_restored and not report.files_skipped:
        text = (
            f"nothing was restored: in the places of all {moved.left_out} files stands something of another kind"
            " (a file where the snapshot has a folder, or the other way round): choose another folder"
        )
    else:
        return None
    paths = examples(moved.in_the_way, _EXAMPLES)
    return Problem(code=ErrorCode.TARGET_EXISTS, message=text, retryable=False, paths=paths)


def _nothing_placed(report: RestoreResult, moved: Moved) -> Problem | None:
    if not moved.failed or report.files_restored or report.files_skipped:
        return None
    text = f"no file could be put at its place: {moved.first_failure}"
    paths = examples([one.path for one in moved.named], _EXAMPLES)
    return Problem(code=ErrorCode.TARGET_NOT_WRITABLE, message=text, retryable=False, paths=paths)
