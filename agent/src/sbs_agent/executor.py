"""Takes commands in, gives each its turn, and makes sure that every one of them ends with an outcome."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog
from pydantic import ValidationError

from sbs_agent.commands.job import Job, Outcome, StoppedError
from sbs_agent.endings import end
from sbs_agent.errors import CommandError
from sbs_agent.journal import Intake, Journal, Key
from sbs_agent.keys import utc_now
from sbs_agent.presence import Presence
from sbs_agent.reporting import Reporter
from sbs_agent.turns import Turns
from sbs_protocol import PROTOCOL_VERSION
from sbs_protocol.commands import BackupRun, Command, CommandCancel, RestoreRun, command_adapter
from sbs_protocol.events import CommandFinished, CommandResult, ErrorCode, Problem

log = structlog.get_logger(__name__)

PARALLEL_COMMANDS = 2

CarryOut = Callable[[Job], Awaitable[Outcome]]


class Executor:
    """All methods are called from the event loop."""

    def __init__(
        self,
        journal: Journal,
        presence: Presence,
        carry_out: CarryOut,
        reporter: Callable[[Key], Reporter],
        parallel: int = PARALLEL_COMMANDS,
        *,
        cancelled: Callable[[], None] = lambda: None,
    ) -> None:
        """`cancelled` is called when a cancelled command does not run, or not any more."""
        self._journal, self._presence = journal, presence
        self._carry_out, self._reporter = carry_out, reporter
        self._turns = Turns(parallel)
        self._cancelled = cancelled
        self._jobs: dict[Key, tuple[Job, asyncio.Task[None]]] = {}
        self._stopping = False

    def deliver(self, message: bytes) -> None:
        """Take one message from the bus; everything that must survive is on disk when this returns."""
        try:
            command = command_adapter.validate_json(message)
        except ValidationError as error:
            self._reject(message, error)
            return
        if isinstance(command.body, CommandCancel):
            self._cancel(command.body.target_command_id)
            return
        intake = self._journal.accept(command)
        log.info(
            "command", command_id=command.command_id, attempt=command.attempt, intake=intake.name.lower()
        )
        if intake is Intake.NEW:
            self._begin(command, interrupted=False)

    def recover(self) -> None:
        """Go on with what the journal says is open; called once, before the bus is connected."""
        for entry in self._journal.open():
            self._begin(entry.command, interrupted=entry.state == "running")

    def active(self) -> list[str]:
        return sorted({key.command_id for key in self._jobs})

    async def stop(self, patience: float) -> None:
        """Stop restic everywhere; what runs is reported as interrupted, what waits is kept for the next start."""
        self._stopping = True
        for job, _ in self._jobs.values():
            job.stop.request("restarting")
        tasks = [task for _, task in self._jobs.values()]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=patience)
            await end(late)

    def _cancel(self, command_id: str) -> None:
        """Also remembered for a command that has not come yet."""
        self._journal.remember_cancel(command_id)
        found = [job for key, (job, _) in self._jobs.items() if key.command_id == command_id]
        log.info("cancel", command_id=command_id, found=len(found))
        for job in found:
            job.stop.request("cancelled")
        if not found:
            self._cancelled()

    def _begin(self, command: Command, *, interrupted: bool) -> None:
        key = Key(command.command_id, command.attempt)
        job = Job(command=command, reporter=self._reporter(key), interrupted=interrupted)
        if self._journal.is_cancelled(command.command_id):
            job.stop.request("cancelled")
        self._presence.begin(key.command_id, key.attempt, command.body.kind)
        task = asyncio.create_task(self._work(job))
        self._jobs[key] = (job, task)
        task.add_done_callback(lambda done: self._end(key, done))

    def _end(self, key: Key, task: "asyncio.Task[None]") -> None:
        job, _ = self._jobs.pop(key)
        self._presence.end(*key)
        if job.stop.reason == "cancelled":
            self._cancelled()
        if not task.cancelled() and (error := task.exception()) is not None:
            # Only the journal itself can fail here (a full disk); the command stays open and is told by hello.
            log.error("a command's end could not be recorded", command_id=key.command_id, reason=str(error))

    async def _work(self, job: Job) -> None:
        async with self._turns.take(_repository(job.command), job.stop.event) as ours:
            if ours or job.interrupted:
                await self._run(job)
            elif job.stop.reason == "cancelled":
                self._finish(job, Outcome(CommandResult.CANCELLED))

    async def _run(self, job: Job) -> None:
        if not job.interrupted:
            self._journal.start(job.key)
        try:
            outcome = await self._carry_out(job)
        except StoppedError:
            outcome = _stopped(job)
        except CommandError as error:
            outcome = _failed(job, error)
        except Exception as error:  # the last net: a mistake of ours must not leave a run open for ever
            log.exception("a command failed in a way nobody thought of", command_id=job.key.command_id)
            outcome = Outcome(CommandResult.FAILED, _internal(error))
        if job.interrupted and job.stop.reason == "restarting" and _is_restart(outcome):
            return  # not cleaned up yet: the next start tries again
        self._finish(job, outcome)

    def _finish(self, job: Job, outcome: Outcome) -> None:
        job.reporter.flush()
        entry = self._journal.entry(job.key)
        self._journal.finish(
            CommandFinished(
                command_id=job.key.command_id,
                attempt=job.key.attempt,
                result=outcome.result,
                problem=outcome.problem,
                restic_exit_code=outcome.restic_exit_code,
                warnings_total=entry.warnings if entry else 0,
                backup=outcome.backup,
                restore=outcome.restore,
                started_at=entry.started_at if entry else None,
                finished_at=utc_now(),
            )
        )
        code = outcome.problem.code.value if outcome.problem else None
        log.info("finished", command_id=job.key.command_id, result=outcome.result.value, problem=code)

    def _reject(self, message: bytes, error: ValidationError) -> None:
        """Answer a command that this agent can't read, if it can be told which one it is."""
        fields = ", ".join(sorted({".".join(map(str, e["loc"])) or "body" for e in error.errors()}))
        log.error("a command cannot be read", wrong=fields)
        key = _key_of(message)
        if key is None:
            return
        text = f"agent cannot read this command (wrong or unknown: {fields}); protocol {PROTOCOL_VERSION}: update it"
        self._journal.post(
            CommandFinished(
                command_id=key.command_id,
                attempt=key.attempt,
                result=CommandResult.FAILED,
                problem=Problem(code=ErrorCode.COMMAND_INVALID, message=text, retryable=False),
                finished_at=utc_now(),
            )
        )


def _repository(command: Command) -> UUID:
    match command.body:
        case BackupRun(restic_repository_id=repository) | RestoreRun(restic_repository_id=repository):
            return repository
        case CommandCancel():
            raise ValueError("a cancellation has no turn")


def _failed(job: Job, error: CommandError) -> Outcome:
    """For one that a restart interrupted, the restart is the reason, not that its secrets are no longer given."""
    problem = error.problem
    if job.interrupted and problem.code is ErrorCode.SECRETS_REFUSED:
        problem = restarted(f"the agent stopped while the command ran; {problem.message}")
    return Outcome(CommandResult.FAILED, problem, error.restic_exit_code)


def _stopped(job: Job) -> Outcome:
    if job.stop.reason == "cancelled":
        return Outcome(CommandResult.CANCELLED)
    return Outcome(CommandResult.FAILED, restarted("the agent was stopped while the command ran"))


def restarted(message: str) -> Problem:
    return Problem(code=ErrorCode.AGENT_RESTARTED, message=message, retryable=True)


def _is_restart(outcome: Outcome) -> bool:
    return outcome.problem is not None and outcome.problem.code is ErrorCode.AGENT_RESTARTED


def _internal(error: Exception) -> Problem:
    return Problem(
        code=ErrorCode.INTERNAL, message=f"internal error ({type(error).__name__})", retryable=True
    )


def _key_of(message: bytes) -> Key | None:
    try:
        body = json.loads(message)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    command_id, attempt = body.get("command_id"), body.get("attempt")
    if isinstance(command_id, str) and isinstance(attempt, int) and len(command_id) <= 200:
        return Key(command_id, attempt)
    return None
