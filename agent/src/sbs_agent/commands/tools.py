"""What all handlers work with, and what they share: opening, tidying up, translating restic's failures."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from sbs_agent.commands.job import Job, StoppedError
from sbs_agent.errors import CommandError, refuse
from sbs_agent.journal import Journal
from sbs_protocol.events import ErrorCode, Problem
from sbs_protocol.paths import AnyPath, exact
from sbs_restic.cli.commands import unlock
from sbs_restic.cli.errors import (
    InterruptedRunError,
    InvalidRequestError,
    KilledError,
    NothingSelectedError,
    RepositoryFullError,
    RepositoryLockedError,
    RepositoryMissingError,
    ResticCliError,
    ResticFailedError,
    ResticTooOldError,
    ResticUnavailableError,
    WrongPasswordError,
)
from sbs_restic.cli.exit_codes import Outcome as ResticOutcome
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository

log = structlog.get_logger(__name__)

_UNLOCK_SECONDS = 30.0
_UNLOCK_SECONDS_WHEN_STOPPING = 2.0

# The first that fits; the order matters only between a class and its base.
_CODES: tuple[tuple[type[ResticCliError], ErrorCode], ...] = (
    (ResticTooOldError, ErrorCode.RESTIC_TOO_OLD),
    (ResticUnavailableError, ErrorCode.RESTIC_MISSING),
    (RepositoryMissingError, ErrorCode.REPOSITORY_MISSING),
    (RepositoryFullError, ErrorCode.REPOSITORY_FULL),
    (RepositoryLockedError, ErrorCode.REPOSITORY_LOCKED),
    (WrongPasswordError, ErrorCode.WRONG_PASSWORD),
    (KilledError, ErrorCode.RESTIC_KILLED),
    (InterruptedRunError, ErrorCode.RESTIC_KILLED),  # somebody else's signal: ours is told by the job's stop
    (NothingSelectedError, ErrorCode.NOTHING_SELECTED),
    (InvalidRequestError, ErrorCode.COMMAND_INVALID),
)


@dataclass(frozen=True, slots=True)
class Tools:
    """`unreachable` says why the repository's server can't be reached, None if it answers."""

    open_repository: Callable[[Job], Awaitable[Repository]]
    unreachable: Callable[[Repository], Awaitable[str | None]]
    runner: Callable[[], Runner]
    journal: Journal
    never_restored_to: tuple[Path, ...] = ()
    never_backed_up: tuple[Path, ...] = ()


def local_path(path: AnyPath) -> str:
    """As Python's file functions take it. Raises `CommandError`."""
    try:
        return os.fsdecode(exact(path))
    except ValueError as error:
        refuse(ErrorCode.COMMAND_INVALID, f"a path of the command is not readable: {error}")


@asynccontextmanager
async def at_work(job: Job, tools: Tools, runner: Runner, repository: Repository) -> AsyncIterator[None]:
    """Around everything that runs restic for a job: no lock is left behind, every failure gets its code.

    Raises:
        StoppedError: restic ended because the job was asked to.
        CommandError: anything else that restic could not do.
    """
    try:
        yield
    except ResticCliError as error:
        if isinstance(error, InterruptedRunError | KilledError | RepositoryFullError):
            await release_locks(job, runner, repository)
        if isinstance(error, InterruptedRunError) and job.stop.event.is_set():
            raise StoppedError from error
        raise await _translate(error, tools, repository) from error


async def release_locks(job: Job, runner: Runner, repository: Repository) -> None:
    """Remove locks of processes that have ended. A failure is logged: the next command tries again."""
    patience = _UNLOCK_SECONDS_WHEN_STOPPING if job.stop.reason == "restarting" else _UNLOCK_SECONDS
    try:
        async with asyncio.timeout(patience):
            await unlock.run(runner, repository)
    except (ResticCliError, TimeoutError) as error:
        log.warning("stale locks not removed", command_id=job.command.command_id, reason=str(error))


async def _translate(error: ResticCliError, tools: Tools, repository: Repository) -> CommandError:
    exit_code = error.exit.returncode if isinstance(error, ResticFailedError) else None
    code = next((code for kind, code in _CODES if isinstance(error, kind)), ErrorCode.RESTIC_FAILED)
    message = str(error)
    if isinstance(error, ResticFailedError) and error.outcome is ResticOutcome.FAILED:
        # Exit code 1 says nothing; whether the server answers is asked, not read from texts.
        reason = await tools.unreachable(repository)
        if reason is not None:
            code, message = ErrorCode.REPOSITORY_UNREACHABLE, f"the repository cannot be reached: {reason}"
    return CommandError(Problem(code=code, message=message, retryable=error.retryable), exit_code)
