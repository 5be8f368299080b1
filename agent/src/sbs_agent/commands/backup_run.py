"""`backup.run`: one snapshot in one restic repository, or the one that an earlier attempt already made."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

import structlog

from sbs_agent.commands.job import Job, Outcome
from sbs_agent.commands.tools import Tools, at_work, local_path, release_locks
from sbs_agent.errors import CommandError, refuse
from sbs_agent.reporting import Reporter
from sbs_protocol.commands import BackupRun
from sbs_protocol.events import BackupResult, CommandResult, ErrorCode, FileWarning, Problem
from sbs_protocol.identifiers import run_of_command
from sbs_protocol.paths import WirePath, exact
from sbs_restic.cli import lossy
from sbs_restic.cli.commands import backup, snapshots
from sbs_restic.cli.errors import CommandFailedError
from sbs_restic.cli.exit_codes import Outcome as ResticOutcome
from sbs_restic.cli.messages import BackupStatus, ItemError, Snapshot
from sbs_restic.cli.patterns import escape
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository

log = structlog.get_logger(__name__)


async def carry_out(job: Job, body: BackupRun, tools: Tools) -> Outcome:
    """Raises `CommandError`, `StoppedError`."""
    wanted = [local_path(source) for source in body.sources]
    sources = () if job.interrupted else _present(wanted, job.reporter)
    runner = await asyncio.to_thread(tools.runner)
    await job.reporter.progress("starting")
    repository = await tools.open_repository(job)
    async with at_work(job, tools, runner, repository):
        if job.interrupted:
            await release_locks(job, runner, repository)
        if job.interrupted or job.command.attempt > 1:
            snapshot = await _made_before(job, body, runner, repository)
            if snapshot is not None:
                return _adopt(job, snapshot)
        if job.interrupted:
            raise CommandError(_restarted())
        job.check()
        return await _back_up(job, _request(job, body, sources, tools), runner, repository, tools)


def run_tag(job: Job) -> str:
    """By this tag an attempt recognises the snapshot of the one before."""
    return f"sbs:run={run_of_command(job.command.command_id).hex}"


def _request(job: Job, body: BackupRun, sources: tuple[str, ...], tools: Tools) -> backup.BackupRequest:
    tag = run_tag(job)
    return backup.BackupRequest(
        sources=sources,
        includes=tuple(body.includes),
        excludes=(*body.excludes, *(escape(str(path)) for path in tools.never_backed_up)),
        tags=(*(t for t in body.tags if t != tag), tag),
        host=body.host,
        parent=body.parent_snapshot,
        compression=body.compression,
    )


async def _back_up(
    job: Job, request: backup.BackupRequest, runner: Runner, repository: Repository, tools: Tools
) -> Outcome:
    try:
        done = await _write(job, request, runner, repository)
    except CommandFailedError:
        if not await _parent_is_gone(job, request, runner, repository, tools):
            raise
        log.warning(
            "the snapshot to compare with is gone: files are read that have not changed",
            parent=request.parent,
            command_id=job.command.command_id,
        )
        done = await _write(job, replace(request, parent=None), runner, repository)
    summary = done.summary
    if not summary.snapshot_id:
        problem = Problem(code=ErrorCode.RESTIC_FAILED, message=done.exit.describe(), retryable=True)
        raise CommandError(problem, done.exit.returncode)
    if done.outcome is ResticOutcome.INCOMPLETE and job.reporter.warnings == 0:
        text = (
            done.exit.diagnostics[-1] if done.exit.diagnostics else "restic could not read some source data"
        )
        job.reporter.warn(FileWarning(path=WirePath(text=request.host), code="other", message=text))
    result = BackupResult(
        snapshot_id=summary.snapshot_id,
        files_new=summary.files_new,
        files_changed=summary.files_changed,
        files_unmodified=summary.files_unmodified,
        directories=summary.dirs_new + summary.dirs_changed + summary.dirs_unmodified,
        bytes_processed=summary.total_bytes_processed,
        bytes_added=summary.data_added,
        bytes_added_packed=summary.data_added_packed,
    )
    return Outcome(_result(job.reporter.warnings), restic_exit_code=done.exit.returncode, backup=result)


async def _write(
    job: Job, request: backup.BackupRequest, runner: Runner, repository: Repository
) -> backup.BackupResult:
    listener = _Listener(job.reporter)
    return await backup.run(
        runner,
        repository,
        request,
        on_status=listener.status,
        on_item_error=listener.item_error,
        stop=job.stop.event,
    )


async def _parent_is_gone(
    job: Job, request: backup.BackupRequest, runner: Runner, repository: Repository, tools: Tools
) -> bool:
    """Whether the control plane named a parent that was forgotten meanwhile.

    restic ends with 1 for that as for everything else, so the repository is asked, not restic's words.
    """
    if request.parent is None or await tools.unreachable(repository) is not None:
        return False
    there = await snapshots.run(runner, repository, stop=job.stop.event)
    return request.parent not in {snapshot.id for snapshot in there}


def _result(warnings: int) -> CommandResult:
    return CommandResult.COMPLETED_WITH_WARNINGS if warnings else CommandResult.SUCCEEDED


class _Listener:
    """restic's messages as progress and warnings."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    async def status(self, status: BackupStatus) -> None:
        await self._reporter.progress(
            "transferring" if status.total_bytes else "scanning",
            files=(status.files_done, status.total_files or None),
            size=(status.bytes_done, status.total_bytes or None),
            current_file=status.current_files[0] if status.current_files else None,
            totals_known=status.seconds_remaining > 0,  # restic gives it when its scan has ended
        )

    def item_error(self, error: ItemError) -> None:
        real = lossy.resolve_lossy_path(error.item)
        path = WirePath(text=error.item) if real is None else WirePath.from_bytes(real)
        gone = real is not None and not os.path.lexists(real)
        self._reporter.warn(
            FileWarning(path=path, code="vanished" if gone else "unreadable", message=error.message)
        )


def _present(sources: list[str], reporter: Reporter) -> tuple[str, ...]:
    """The sources that are there; a warning for each other one, or the end if there is none at all."""
    missing: list[FileWarning] = []
    present: list[str] = []
    for source in sources:
        problem = _absence(source)
        if problem is None:
            present.append(source)
        else:
            code, message = problem
            missing.append(FileWarning(path=WirePath.from_fs(source), code=code, message=message))
    if not present:
        listed = ", ".join(repr(source) for source in sources[:5])
        refuse(
            ErrorCode.SOURCE_MISSING,
            f"none of the sources is there: {listed}: {missing[0].message}; correct the job's sources",
            [w.path for w in missing[:100]],
        )
    for warning in missing:
        reporter.warn(warning)
    return tuple(present)


def _absence(source: str) -> tuple[Literal["vanished", "unreadable"], str] | None:
    if not Path(source).is_absolute() or "\0" in source:
        refuse(ErrorCode.COMMAND_INVALID, f"the source {source!r} is not an absolute path of this machine")
    try:
        os.lstat(source)
    except (FileNotFoundError, NotADirectoryError):
        return "vanished", "the source does not exist"
    except OSError as error:
        return "unreadable", f"the source cannot be read: {error.strerror}"
    return None


async def _made_before(job: Job, body: BackupRun, runner: Runner, repository: Repository) -> Snapshot | None:
    """The snapshot of an attempt whose end was never recorded: the agent died, or its machine did."""
    found = await snapshots.run(runner, repository, tags=[run_tag(job)], host=body.host, stop=job.stop.event)
    ours = [snapshot for snapshot in found if body.includes or _is_of(snapshot, body)]
    return ours[-1] if ours else None


def _is_of(snapshot: Snapshot, body: BackupRun) -> bool:
    """restic gives the paths in their shortest form, as readable text; a missing source is not among them."""
    sources = {lossy.lossy(os.path.normpath(exact(source))) for source in body.sources}
    return set(snapshot.paths) <= sources


def _adopt(job: Job, snapshot: Snapshot) -> Outcome:
    log.info(
        "snapshot of an earlier attempt adopted", snapshot=snapshot.id, command_id=job.command.command_id
    )
    result = BackupResult(snapshot_id=snapshot.id)
    if (summary := snapshot.summary) is not None:
        result = BackupResult(
            snapshot_id=snapshot.id,
            files_new=summary.files_new,
            files_changed=summary.files_changed,
            files_unmodified=summary.files_unmodified,
            bytes_processed=summary.total_bytes_processed,
            bytes_added=summary.data_added,
            bytes_added_packed=summary.data_added_packed,
        )
    return Outcome(_result(job.reporter.reported_before), backup=result)


def _restarted() -> Problem:
    return Problem(
        code=ErrorCode.AGENT_RESTARTED,
        message="the agent or its machine stopped while the backup ran; no snapshot was written",
        retryable=True,
    )
