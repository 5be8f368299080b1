"""`restore.run`: files of a snapshot into a folder of this machine.

The snapshot's paths are kept below the target: /home/x/a becomes <target>/home/x/a.
"""

import asyncio
import dataclasses
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from sbs_agent.commands.job import Job, Outcome
from sbs_agent.commands.keep_both import Staging
from sbs_agent.commands.restore_plan import Plan, chosen_paths, make_plan
from sbs_agent.commands.target import Target, check_target
from sbs_agent.commands.tools import Tools, at_work, release_locks
from sbs_agent.errors import CommandError, refuse
from sbs_agent.reporting import Reporter, examples
from sbs_protocol.commands import ConflictPolicy, RestoreRun
from sbs_protocol.events import CommandResult, ErrorCode, FileWarning, Problem, RestoreResult
from sbs_protocol.paths import WirePath
from sbs_restic.cli import lossy
from sbs_restic.cli.commands import restore
from sbs_restic.cli.messages import ItemError, RestoreStatus
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository

_SNAPSHOT_ID = re.compile(r"[0-9a-f]{8,64}")
_FULL_BELOW_BYTES = 1024 * 1024
_RENAMED_AT_MOST = 1000


async def carry_out(job: Job, body: RestoreRun, tools: Tools) -> Outcome:
    """Raises `CommandError`, `StoppedError`."""
    if not _SNAPSHOT_ID.fullmatch(body.restic_snapshot_id):
        refuse(ErrorCode.COMMAND_INVALID, "the snapshot's id is not 8 to 64 lower-case hex digits")
    target = check_target(body.target_folder, tools.never_restored_to)
    runner = await asyncio.to_thread(tools.runner)
    await job.reporter.progress("starting")
    repository = await tools.open_repository(job)
    async with at_work(job, tools, runner, repository):
        if job.interrupted:
            await release_locks(job, runner, repository)
            await asyncio.to_thread(Staging(target.path, job.command.command_id).remove)
            raise CommandError(_restarted())
        work = _Restore(job, body, target, runner, repository)
        return await work.carry_out()


@dataclass(slots=True)
class _Restore:
    job: Job
    body: RestoreRun
    target: Target
    runner: Runner
    repository: Repository
    failures: "_Failures" = field(init=False)

    def __post_init__(self) -> None:
        self.failures = _Failures(self.job.reporter)

    async def carry_out(self) -> Outcome:
        plan = await make_plan(self.job, self.body, self.target.path, self.runner, self.repository)
        _refuse_what_cannot_be(plan, self.body, self.target)
        self.job.check()
        _create(self.target)
        chosen = chosen_paths(self.body)
        if self.body.policy is ConflictPolicy.KEEP_BOTH:
            return await self._beside(chosen, plan)
        done = await self._run(chosen, self.target.path)
        return self._outcome(plan, done, [])

    async def _beside(self, chosen: tuple[bytes, ...], plan: Plan) -> Outcome:
        """Into a folder of its own first, then each file to its place, or next to the one that is there."""
        staging = Staging(self.target.path, self.job.command.command_id)
        try:
            await asyncio.to_thread(staging.create)
            done = await self._run(chosen, staging.folder)
            await self.job.reporter.progress("finishing")
            renamed = await asyncio.to_thread(staging.move_into_place)
        except OSError as error:
            refuse(ErrorCode.TARGET_NOT_WRITABLE, f"{error.filename or self.target.path}: {error.strerror}")
        finally:
            await asyncio.to_thread(staging.remove)
        return self._outcome(plan, done, renamed)

    async def _run(self, chosen: tuple[bytes, ...], folder: Path) -> restore.RestoreResult:
        request = restore.RestoreRequest(
            snapshot=self.body.restic_snapshot_id,
            target=os.fspath(folder),
            includes=chosen,
            overwrite=_overwrite(self.body.policy),
            verify=self.body.verify,
        )
        # Holes stay holes: a sparse file must not fill the disk it is restored to.
        repository = dataclasses.replace(self.repository, extra=(*self.repository.extra, "--sparse"))
        return await restore.run(
            self.runner,
            repository,
            request,
            on_status=self._status,
            on_item_error=self.failures.add,
            stop=self.job.stop.event,
        )

    async def _status(self, status: RestoreStatus) -> None:
        ended = status.total_files > 0 and status.files_restored + status.files_skipped >= status.total_files
        await self.job.reporter.progress(
            "verifying" if ended and self.body.verify else "transferring",
            files=(status.files_restored + status.files_skipped, status.total_files or None),
            size=(status.bytes_restored + status.bytes_skipped, status.total_bytes or None),
        )

    def _outcome(self, plan: Plan, done: restore.RestoreResult, renamed: list[WirePath]) -> Outcome:
        skips = self.body.policy is ConflictPolicy.SKIP
        skipped, unread = (plan.conflicts, plan.to_verify_conflicts) if skips else (0, 0)
        failed, wrong = len(self.failures.items), self.failures.unverified
        # restic reads back each regular file it has written, and reports those that differ.
        verified = max(0, plan.to_verify - unread - failed) if self.body.verify else None
        result = RestoreResult(
            files_restored=max(0, plan.files - skipped - failed),
            files_skipped=skipped,
            files_failed=failed,
            bytes_restored=done.summary.bytes_restored,
            bytes_skipped=done.summary.bytes_skipped,
            files_verified=verified,
            renamed=examples(renamed, _RENAMED_AT_MOST),
        )
        problem = self._problem(result, wrong)
        ending = (
            CommandResult.COMPLETED_WITH_WARNINGS if self.job.reporter.warnings else CommandResult.SUCCEEDED
        )
        if problem is not None:
            ending = CommandResult.FAILED
        return Outcome(ending, problem, done.exit.returncode, restore=result)

    def _problem(self, result: RestoreResult, wrong: list[WirePath]) -> Problem | None:
        paths = examples(wrong or self.failures.items.values(), 100)
        if wrong:
            text = (
                f"{len(wrong)} restored files do not match the snapshot: restore them again, check the disk"
            )
            return Problem(code=ErrorCode.VERIFICATION_FAILED, message=text, retryable=True, paths=paths)
        if result.files_failed and self.target.free_bytes < _FULL_BELOW_BYTES:
            text = f"{result.files_failed} files could not be written: no space is left at {self.target.path}"
            return Problem(code=ErrorCode.NO_SPACE, message=text, retryable=False, paths=paths)
        if result.files_failed and not result.files_restored and not result.files_skipped:
            text = f"no file could be written to {self.target.path}: {self.failures.first_message}"
            return Problem(code=ErrorCode.TARGET_NOT_WRITABLE, message=text, retryable=False, paths=paths)
        return None


class _Failures:
    """Items that could not be written or verified; one item may have several errors."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self.items: dict[str, WirePath] = {}
        self.unverified: list[WirePath] = []
        self.first_message = ""

    def add(self, error: ItemError) -> None:
        if error.item in self.items:
            return
        real = lossy.resolve_lossy_path(error.item)
        path = WirePath(text=error.item) if real is None else WirePath.from_bytes(real)
        self.items[error.item] = path
        self.first_message = self.first_message or error.message
        if error.during == "verify":
            self.unverified.append(path)
        self._reporter.warn(FileWarning(path=path, code="restore_failed", message=error.message))


def _refuse_what_cannot_be(plan: Plan, body: RestoreRun, target: Target) -> None:
    """Everything that can be known before the first byte is written."""
    if plan.through_links:
        refuse(
            ErrorCode.TARGET_NOT_ALLOWED,
            f"below {str(target.path)!r} a symbolic link stands where the snapshot has a folder, so files would be"
            " written elsewhere: remove the link or choose another folder",
            examples(plan.through_links, 100),
        )
    if body.policy is ConflictPolicy.REFUSE and plan.conflicts:
        refuse(
            ErrorCode.TARGET_EXISTS,
            f"{plan.conflicts} of {plan.files} files are already there, and nothing was written: choose another"
            " folder, or skip, overwrite or keep both",
            examples(plan.in_the_way, 100),
        )
    if plan.bytes > target.free_bytes:
        refuse(
            ErrorCode.NO_SPACE,
            f"the restore needs {plan.bytes} bytes and {target.nearest} has {target.free_bytes} left, so nothing"
            " was written: free space or choose another folder",
        )


def _create(target: Target) -> None:
    try:
        target.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse(
            ErrorCode.TARGET_NOT_WRITABLE, f"the target folder {target.path} cannot be made: {error.strerror}"
        )


def _overwrite(policy: ConflictPolicy) -> restore.Overwrite:
    match policy:
        # Refuse: nothing was in the way a moment ago, and what has come since stays as it is.
        case ConflictPolicy.REFUSE | ConflictPolicy.SKIP:
            return restore.Overwrite.NEVER
        case ConflictPolicy.OVERWRITE | ConflictPolicy.KEEP_BOTH:
            return restore.Overwrite.ALWAYS
        case _:
            assert_never(policy)


def _restarted() -> Problem:
    return Problem(
        code=ErrorCode.AGENT_RESTARTED,
        message="the agent or its machine stopped while the restore ran; some files may have been written",
        retryable=True,
    )
