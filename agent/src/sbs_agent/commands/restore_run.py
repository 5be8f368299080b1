"""`restore.run`: files of a snapshot into a folder of this machine.

The snapshot's paths are kept below the target: /home/x/a becomes <target>/home/x/a. Overwrite writes in place. All
other policies write into a staging folder (`restore_staging`) and rename from there, so that after a crash nobody has
to guess whose a file is. What the journal remembers (`restore_marker`) lets the next attempt go on.
"""

import asyncio
import dataclasses
import os
import re
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from sbs_agent.commands.job import Job, Outcome, StoppedError
from sbs_agent.commands.keep_both import new_suffix
from sbs_agent.commands.restore_failures import Failures
from sbs_agent.commands.restore_leftovers import discard
from sbs_agent.commands.restore_marker import Ending, Marker, find_marker, save_marker
from sbs_agent.commands.restore_move import Moved, look_ahead, move_into_place
from sbs_agent.commands.restore_plan import PathList, Plan, chosen_paths, make_plan
from sbs_agent.commands.restore_refusals import (
    refuse_lost_staging,
    refuse_taken_places,
    refuse_what_cannot_be,
    wait_for_staging,
)
from sbs_agent.commands.restore_report import Written, ending, left_out, lost_owners, with_moved, written
from sbs_agent.commands.restore_staging import Staging
from sbs_agent.commands.target import Target, check_target
from sbs_agent.commands.tools import Tools, at_work, local_path, release_locks
from sbs_agent.errors import CommandError, refuse
from sbs_agent.journal import Journal
from sbs_agent.platform import platform
from sbs_protocol.commands import ConflictPolicy, RestoreRun
from sbs_protocol.events import CommandResult, ErrorCode, FileWarning, Problem
from sbs_protocol.paths import WirePath
from sbs_restic.cli.commands import restore
from sbs_restic.cli.messages import RestoreStatus
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository

log = structlog.get_logger(__name__)

_SNAPSHOT_ID = re.compile(r"[0-9a-f]{8,64}")


async def carry_out(job: Job, body: RestoreRun, tools: Tools) -> Outcome:
    """Raises `CommandError`, `StoppedError`. Nothing but what is restored stays behind, unless it may be repeated."""
    try:
        outcome = await _carry_out(job, body, tools)
    except CommandError as error:
        if not (error.problem.retryable or _is_restart(job, error)):
            await discard(tools.journal, job.command.command_id)
        raise
    except StoppedError:
        if job.stop.reason == "cancelled":
            await discard(tools.journal, job.command.command_id)
        raise
    if outcome.problem is not None and not outcome.problem.retryable:
        await discard(tools.journal, job.command.command_id)
    return outcome


async def _carry_out(job: Job, body: RestoreRun, tools: Tools) -> Outcome:
    if not _SNAPSHOT_ID.fullmatch(body.restic_snapshot_id):
        refuse(ErrorCode.COMMAND_INVALID, "the snapshot's id is not 8 to 64 lower-case hex digits")
    target = check_target(local_path(body.target_folder), tools.never_restored_to)
    runner = await asyncio.to_thread(tools.runner)
    await job.reporter.progress("starting")
    repository = await tools.open_repository(job)
    async with at_work(job, tools, runner, repository):
        if job.interrupted:
            await release_locks(job, runner, repository)
            job.check()
            raise CommandError(_restarted())
        return await _Restore(job, body, target, runner, repository, tools.journal).carry_out()


@dataclass(slots=True)
class _Restore:
    job: Job
    body: RestoreRun
    target: Target
    runner: Runner
    repository: Repository
    journal: Journal
    failures: Failures = field(init=False)
    staging: Staging = field(init=False)

    def __post_init__(self) -> None:
        self.staging = Staging(self.target.path, self.job.command.command_id)
        self.failures = Failures(self.job.reporter, self.staging)

    async def carry_out(self) -> Outcome:
        marker = find_marker(self.journal, self.job.command.command_id)
        with closing(self.staging):
            return await self._whole(marker)

    async def _whole(self, marker: Marker | None) -> Outcome:
        try:
            if marker is not None and marker.ending is not None:
                # An attempt's warnings are gone with it: they are told again.
                self._warn(marker.ending.warnings)
                return await self._finish(marker, marker.ending)
            if self.body.policy is ConflictPolicy.OVERWRITE:
                return await self._in_place()
            return await self._staged(marker)
        except OSError as error:
            where = self.staging.shown(str(error.filename or self.target.path))
            refuse(ErrorCode.TARGET_NOT_WRITABLE, f"{where}: {error.strerror}")

    async def _in_place(self) -> Outcome:
        plan = await make_plan(self.job, self.body, self.target.path, self.runner, self.repository)
        refuse_what_cannot_be(plan, self.body, self.target, plan.bytes - plan.there_bytes)
        self.job.check()
        self._begin(Marker(phase="writing", staging=None, suffix=""))
        # Always: restic compares the content of what is there, so nothing half-written survives a repetition.
        done = await self._run(chosen_paths(self.body), self.target.path, restore.Overwrite.ALWAYS)
        ended = self._ending(plan, written(done))
        self._warn(lost_owners(plan))
        return ended.outcome()

    async def _staged(self, marker: Marker | None) -> Outcome:
        marker = marker or Marker(phase="writing", staging=self._staging_path(), suffix=new_suffix())
        with closing(PathList()) as kept:
            plan = await self._plan(kept)
            await asyncio.to_thread(self.staging.exists)  # holds on to what an earlier attempt has left
            used = await asyncio.to_thread(self.staging.used_bytes)
            needed = plan.bytes - used - (plan.kept_bytes if self._skips else 0)
            refuse_what_cannot_be(plan, self.body, self.target, needed)
            self.job.check()
            self._begin(marker)
            await asyncio.to_thread(self._prepare, plan)
        done = await (self._skipping() if self._skips else self._all())
        outcome = self._ending(plan, done)
        if outcome.problem is not None:
            return _nothing_moved(outcome)
        self._warn(lost_owners(plan))
        return await self._finish(marker, outcome)

    async def _plan(self, kept: PathList) -> Plan:
        listed = kept if self._skips else None
        return await make_plan(
            self.job, self.body, self.target.path, self.runner, self.repository, kept=listed
        )

    def _staging_path(self) -> WirePath:
        return WirePath.from_fs(os.fspath(self.staging.folder))

    def _begin(self, marker: Marker) -> None:
        """From here on something of ours may be in the target."""
        try:
            platform.open_folder(self.target.path, create=True).close()
        except OSError as error:
            text = f"the target folder {self.target.path} cannot be made: {error.strerror}"
            refuse(ErrorCode.TARGET_NOT_WRITABLE, text)
        save_marker(self.journal, self.job.command.command_id, marker)

    def _prepare(self, plan: Plan) -> None:
        """The staging folder as restic is to find it; there may be one that an earlier attempt has left."""
        self.staging.create()
        self.staging.make_writable()
        if plan.kept is None:
            return
        self.staging.forget_kept()
        if plan.has_oldest:
            self.staging.empty()
        self.staging.age()
        self.staging.keep(plan.kept.take())

    async def _all(self) -> Written:
        chosen = chosen_paths(self.body)
        return written(await self._run(chosen, self.staging.files, restore.Overwrite.ALWAYS))

    async def _skipping(self) -> Written:
        chosen = chosen_paths(self.body)
        done = await self._run(chosen, self.staging.files, restore.Overwrite.IF_NEWER)
        kept, missing = await asyncio.to_thread(self.staging.forget_kept)
        if not missing:
            return written(done, kept)
        more = await self._run(tuple(missing), self.staging.files, restore.Overwrite.ALWAYS)
        return written(done, kept, more)

    async def _finish(self, marker: Marker, ended: Ending) -> Outcome:
        if marker.phase != "moved":
            ended = await self._move(marker, ended)
        try:
            await asyncio.to_thread(self.staging.remove)
        except OSError as error:
            # Every file is in its place: that is no reason to call the restore failed.
            log.warning("a staging folder stays behind", folder=str(self.staging.folder), reason=str(error))
        return ended.outcome()

    async def _move(self, marker: Marker, ended: Ending) -> Ending:
        await self.job.reporter.progress("finishing")
        if marker.phase == "writing":
            await asyncio.to_thread(self._look_ahead)
            await asyncio.to_thread(self.staging.flush)
            self._save(marker, "moving", ended)
        else:
            self._hold_again()
        suffix = marker.suffix if self.body.policy is ConflictPolicy.KEEP_BOTH else None
        moved: Moved = await asyncio.to_thread(move_into_place, self.staging, suffix, self.job.check)
        ended = with_moved(ended, moved, self.body)
        self._warn(left_out(moved))
        self.job.reporter.flush()
        self._save(marker, "moved", ended)
        return ended

    def _hold_again(self) -> None:
        """The staging folder of an attempt that stopped while it moved files. Raises `CommandError`."""
        try:
            there = self.staging.exists()
        except OSError as error:
            wait_for_staging(self.staging.folder, error)
        if not there:
            refuse_lost_staging(self.staging.folder)

    def _look_ahead(self) -> None:
        """Refuse also sees what came while restic was at work; nothing is at its place yet."""
        if self.body.policy is ConflictPolicy.REFUSE:
            found = look_ahead(self.staging, self.job.check)
            refuse_taken_places(found.left, found.in_the_way)

    def _save(self, marker: Marker, phase: str, ended: Ending) -> None:
        now = Marker.model_validate({**marker.model_dump(), "phase": phase, "ending": ended})
        # Called in the event loop's thread, as all of the journal.
        save_marker(self.journal, self.job.command.command_id, now)

    async def _run(
        self, chosen: tuple[bytes, ...], folder: Path, overwrite: restore.Overwrite
    ) -> restore.RestoreResult:
        request = restore.RestoreRequest(
            snapshot=self.body.restic_snapshot_id,
            target=os.fspath(folder),
            includes=chosen,
            overwrite=overwrite,
            verify=self.body.verify,
            inherited=self.staging.handles,
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

    def _ending(self, plan: Plan, done: Written) -> Ending:
        warned = self.job.reporter.warnings > 0
        return ending(plan, done, self.failures, self.body, self.target, warned=warned)

    @property
    def _skips(self) -> bool:
        return self.body.policy is ConflictPolicy.SKIP

    def _warn(self, warnings: list[FileWarning]) -> None:
        for warning in warnings:
            self.job.reporter.warn(warning)


def _nothing_moved(ended: Ending) -> Outcome:
    """All or nothing: what was restored stays in the staging folder for the next attempt, or goes with it."""
    report = ended.restore.model_copy(update={"files_restored": 0, "files_verified": None})
    return dataclasses.replace(ended.outcome(), result=CommandResult.FAILED, restore=report)


def _is_restart(job: Job, error: CommandError) -> bool:
    """The executor tells it as a restart, which may be repeated."""
    return job.interrupted and error.problem.code is ErrorCode.SECRETS_REFUSED


def _restarted() -> Problem:
    return Problem(
        code=ErrorCode.AGENT_RESTARTED,
        message="the agent or its machine stopped while the restore ran; the next attempt goes on with it",
        retryable=True,
    )
