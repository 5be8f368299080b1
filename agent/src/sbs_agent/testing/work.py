"""Runs one command against a local repository, without a bus."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sbs_agent.commands import Tools, carry_out
from sbs_agent.commands.job import Job, Outcome
from sbs_agent.errors import CommandError
from sbs_agent.journal import Journal, Key
from sbs_agent.platform import platform
from sbs_agent.reporting import Reporter
from sbs_protocol import PROTOCOL_VERSION
from sbs_protocol.commands import Body, Command
from sbs_protocol.events import CommandResult, CommandWarnings, FileWarning, Progress
from sbs_protocol.identifiers import command_id
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository


@dataclass
class Work:
    """What a test needs to run commands and to see what they tell."""

    folder: Path
    runner: Runner
    repository: Repository
    progress: list[Progress] = field(default_factory=list)
    unreachable_reason: str | None = None

    def __post_init__(self) -> None:
        self.journal = Journal(self.folder / "journal.db")
        self.id = command_id(UUID(int=1), "step", UUID(int=2))

    @property
    def tools(self) -> Tools:
        private = self.folder / "agent-state"
        return Tools(
            self._open,
            self._unreachable,
            lambda: self.runner,
            self.journal,
            (*platform.forbidden_targets(), private),
            (private / "cache",),
        )

    def job(self, body: Body, *, attempt: int = 1, interrupted: bool = False) -> Job:
        command = Command(
            protocol=PROTOCOL_VERSION,
            command_id=self.id,
            attempt=attempt,
            issued_at=datetime.now(UTC),
            body=body,
        )
        self.journal.accept(command)
        reporter = Reporter(Key(self.id, attempt), self.journal, self._publish, 0.0)
        return Job(command=command, reporter=reporter, interrupted=interrupted)

    async def run(self, body: Body, *, attempt: int = 1, interrupted: bool = False) -> Outcome:
        """The outcome, a failure too."""
        return await self.run_job(self.job(body, attempt=attempt, interrupted=interrupted))

    async def run_job(self, job: Job) -> Outcome:
        try:
            return await carry_out(job, self.tools)
        except CommandError as error:
            return Outcome(CommandResult.FAILED, error.problem, error.restic_exit_code)
        finally:
            job.reporter.flush()

    def warnings(self) -> list[FileWarning]:
        """All that were reported so far; takes them out of the outbox."""
        found: list[FileWarning] = []
        while (event := self.journal.next_event()) is not None:
            if isinstance(event.body, CommandWarnings):
                found += event.body.warnings
            self.journal.acknowledge(event.sequence)
        return found

    async def _open(self, _job: Job) -> Repository:
        return self.repository

    async def _unreachable(self, _repository: Repository) -> str | None:
        return self.unreachable_reason

    async def _publish(self, progress: Progress) -> None:
        self.progress.append(progress)
