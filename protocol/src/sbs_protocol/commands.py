"""Commands: control plane to agent, on the work-queue stream, one subject an agent.

A command carries ids and procedure, never a secret: what opens a repository is fetched over mTLS while the
command is active (`enrolment.SecretsRequest`).
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from sbs_protocol.model import WireModel
from sbs_protocol.paths import AnyPath, WirePath


class ConflictPolicy(StrEnum):
    """What a restore does with a file that is already there."""

    REFUSE = "refuse"  # nothing is written if a single file is in the way
    SKIP = "skip"
    OVERWRITE = "overwrite"
    KEEP_BOTH = "keep_both"  # the restored one gets a suffix


class BackupRun(WireModel):
    """Back up `sources` into one restic repository, reached through the gateway."""

    kind: Literal["backup.run"] = "backup.run"
    dataset_id: UUID
    restic_repository_id: UUID
    sources: Sequence[AnyPath] = Field(min_length=1)
    includes: list[str] = []  # masks; empty: everything below the sources
    excludes: list[str] = []
    tags: list[str] = []
    host: str
    parent_snapshot: str | None = None  # restic id; None: restic chooses by host and paths
    compression: Literal["auto", "off", "max"] = "auto"


class RestoreRun(WireModel):
    """Restore from one restic snapshot into a folder of the agent's machine."""

    kind: Literal["restore.run"] = "restore.run"
    restic_repository_id: UUID
    restic_snapshot_id: str
    selection: list[WirePath] = []  # absolute paths in the snapshot; empty: all of it
    target_folder: AnyPath
    policy: ConflictPolicy
    verify: bool = True


class CommandCancel(WireModel):
    """Stop a command. Answered by that command's own `command.finished`, with the result `cancelled`.

    One that has ended already is not answered again. It will have no further attempt then, and what a failed restore
    keeps for one is removed.
    """

    kind: Literal["command.cancel"] = "command.cancel"
    target_command_id: str


Body = Annotated[BackupRun | RestoreRun | CommandCancel, Field(discriminator="kind")]


class Command(WireModel):
    """The message. `(command_id, attempt)` is carried out once by the agent, however often it arrives."""

    protocol: int
    command_id: str
    attempt: int = Field(ge=1)
    issued_at: datetime
    body: Body


command_adapter: TypeAdapter[Command] = TypeAdapter(Command)
