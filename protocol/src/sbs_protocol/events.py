"""Events: agent to control plane. Kept in the agent's durable outbox until acknowledged.

The agent's identity comes from its certificate (the subject it may publish on), never from a body.
`sequence` rises by one with each event of an agent's installation (`epoch`); `(epoch, sequence)` makes the
message id, by which handling is idempotent.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, TypeAdapter

from sbs_protocol.model import WireModel
from sbs_protocol.paths import WirePath, readable

Message = Annotated[str, BeforeValidator(lambda text: readable(text) if isinstance(text, str) else text)]
"""It may quote names that are not UTF-8."""

WARNINGS_PER_EVENT = 500
"""A `command.warnings` event holds at most this many, so that it stays far below the bus's 1 MiB."""


class CommandResult(StrEnum):
    SUCCEEDED = "succeeded"
    COMPLETED_WITH_WARNINGS = "completed_with_warnings"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ErrorCode(StrEnum):
    """Why a command failed: one list for both sides; texts for people are made from it by the CP."""

    SOURCE_MISSING = "source_missing"
    TARGET_EXISTS = "target_exists"
    TARGET_NOT_WRITABLE = "target_not_writable"
    TARGET_NOT_ALLOWED = "target_not_allowed"
    NO_SPACE = "no_space"
    REPOSITORY_MISSING = "repository_missing"
    REPOSITORY_LOCKED = "repository_locked"
    REPOSITORY_UNREACHABLE = "repository_unreachable"
    REPOSITORY_FULL = "repository_full"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a code, not a password
    RESTIC_MISSING = "restic_missing"
    RESTIC_TOO_OLD = "restic_too_old"
    RESTIC_KILLED = "restic_killed"
    RESTIC_FAILED = "restic_failed"
    AGENT_RESTARTED = "agent_restarted"
    SECRETS_REFUSED = "secrets_refused"
    SNAPSHOT_MISSING = "snapshot_missing"
    NOTHING_SELECTED = "nothing_selected"
    VERIFICATION_FAILED = "verification_failed"
    COMMAND_INVALID = "command_invalid"
    INTERNAL = "internal"


class Problem(WireModel):
    """`message` is for an operator's eyes: no secrets, no traceback."""

    code: ErrorCode
    message: Message
    retryable: bool
    paths: list[WirePath] = []  # at most 100 examples, for example the files in the way of a restore


class BackupResult(WireModel):
    """What restic's summary said of one backup."""

    snapshot_id: str | None = None  # restic's id, 64 hex digits
    files_new: int = 0
    files_changed: int = 0
    files_unmodified: int = 0
    directories: int = 0
    bytes_processed: int = 0
    bytes_added: int = 0  # stored after deduplication, before compression
    bytes_added_packed: int = 0


class RestoreResult(WireModel):
    """ "Files" are links and the like too, but no folders. What was not restored is named by warnings."""

    files_restored: int = 0
    files_skipped: int = 0  # stayed as they are, because the policy says so
    files_failed: int = 0  # could not be written, or be put at their places
    bytes_restored: int = 0  # of the files that are at their places now
    bytes_skipped: int = 0
    # Regular files whose content was read back and found right; None: not asked for. Owners, modes and times are not
    # verified.
    files_verified: int | None = None
    owners_not_restored: int = 0  # files and folders that belong to the agent's account instead
    renamed: list[WirePath] = []  # keep both: names that got a suffix, at most 1,000 of them


class FileWarning(WireModel):
    """One file that could not be read or restored.

    left_out: what stands at its place in the target is of another kind. owner_lost: one for all of a restore.
    """

    path: WirePath
    code: Literal["unreadable", "vanished", "changed", "restore_failed", "left_out", "owner_lost", "other"]
    message: Message


class OpenCommand(WireModel):
    command_id: str
    attempt: int
    state: Literal["accepted", "running", "finished"]  # finished: its result still waits in the outbox


class Hello(WireModel):
    """First event of each connection; the control plane answers by sending again what is missing."""

    kind: Literal["hello"] = "hello"
    protocol: int
    agent_version: str
    capabilities: list[str] = []
    hostname: str
    os: str
    os_version: str
    arch: str
    restic_version: str | None  # None: not found, see `restic_problem`
    restic_problem: str | None = None
    boot_id: str  # changes when the agent's process starts anew
    open_commands: list[OpenCommand] = []
    # Command ids of restores that failed for a passing reason and keep files for their next attempt, at most 1,000.
    # For each that gets none, the control plane sends a `command.cancel`; the agent then removes the files.
    unfinished_restores: list[str] = []


class CommandAccepted(WireModel):
    kind: Literal["command.accepted"] = "command.accepted"
    command_id: str
    attempt: int


class CommandStarted(WireModel):
    kind: Literal["command.started"] = "command.started"
    command_id: str
    attempt: int


class CommandWarnings(WireModel):
    kind: Literal["command.warnings"] = "command.warnings"
    command_id: str
    attempt: int
    first_index: int  # position of the first one in the whole list of this attempt
    warnings: list[FileWarning] = Field(max_length=WARNINGS_PER_EVENT)


class CommandFinished(WireModel):
    """The end of an attempt: restic has stopped, whatever the result."""

    kind: Literal["command.finished"] = "command.finished"
    command_id: str
    attempt: int
    result: CommandResult
    problem: Problem | None = None
    restic_exit_code: int | None = None
    warnings_total: int = 0
    backup: BackupResult | None = None
    restore: RestoreResult | None = None
    started_at: datetime | None = None
    finished_at: datetime


EventBody = Annotated[
    Hello | CommandAccepted | CommandStarted | CommandWarnings | CommandFinished,
    Field(discriminator="kind"),
]


class Event(WireModel):
    protocol: int
    epoch: str  # random, made when the agent's state was created
    sequence: int
    at: datetime  # the agent's clock; the database's clock rules
    body: EventBody


class Heartbeat(WireModel):
    """Core NATS, every ten seconds; says which commands are alive."""

    protocol: int
    boot_id: str
    active_commands: list[str] = []


class Progress(WireModel):
    """Core NATS, at most twice a second for a command; lost ones do not matter."""

    protocol: int
    command_id: str
    attempt: int
    phase: Literal["starting", "scanning", "transferring", "finishing", "verifying"]
    files_done: int = 0
    files_total: int | None = None
    bytes_done: int = 0
    bytes_total: int | None = None
    bytes_per_second: float | None = None
    seconds_left: float | None = None
    current_file: str | None = None
    warnings: int = 0


def message_id(event: Event) -> str:
    """`Nats-Msg-Id` of an event: unique within its agent."""
    return f"{event.epoch}-{event.sequence}"


event_adapter: TypeAdapter[Event] = TypeAdapter(Event)
