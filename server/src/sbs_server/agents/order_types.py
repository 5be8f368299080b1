"""What workflows and activities say to each other about an agent's work."""

from dataclasses import dataclass, field, replace
from typing import Any

REPOSITORY_FULL = "repository_full"
"""As in sbs_protocol.events.ErrorCode; also what a run waits for while it is so."""


@dataclass(frozen=True, slots=True)
class Order:
    """One piece of work for an agent. `body` is a body of sbs_protocol.commands as JSON; never a secret."""

    organization_id: str
    run_id: str
    agent_id: str
    restic_repository_id: str
    command_id: str
    body: dict[str, Any]
    attempt: int = 1

    @property
    def activity_id(self) -> str:
        """Under this id `bus` finds the waiting activity."""
        return f"{self.command_id}.{self.attempt}"

    def numbered(self, attempt: int) -> "Order":
        return replace(self, attempt=attempt)


@dataclass(frozen=True, slots=True)
class Retry:
    """`code`: why the last attempt failed."""

    organization_id: str
    run_id: str
    next_attempt: int
    pause_s: float
    code: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a command failed; `code` is one of sbs_protocol.events.ErrorCode, or one of the CP's own."""

    code: str
    message: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Abandonment:
    """Nobody waits for this command any more; `trouble` says why."""

    organization_id: str
    command_id: str
    trouble: Trouble


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """The part of sbs_protocol.events.CommandFinished that a workflow decides by.

    Temporal makes it from the whole message's JSON and leaves out what is not named here.
    """

    result: str
    problem: Trouble | None = None
    restic_exit_code: int | None = None
    warnings_total: int = 0
    backup: dict[str, Any] | None = None
    restore: dict[str, Any] | None = None
    finished_at: str | None = field(default=None)

    @classmethod
    def failed(cls, code: str, message: str) -> "CommandOutcome":
        return cls(result="failed", problem=Trouble(code, message))

    @property
    def is_retryable(self) -> bool:
        return self.result == "failed" and self.problem is not None and self.problem.retryable

    @property
    def has_snapshot(self) -> bool:
        return bool(self.backup and self.backup.get("snapshot_id"))
