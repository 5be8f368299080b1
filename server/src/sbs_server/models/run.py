from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, PrimaryKeyConstraint, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from sbs_server.kit.db.base import Identified, TenantModel, Timestamped, tenant_key, tenant_reference
from sbs_server.kit.db.types import text_enum

_NEWEST = (text("created_at DESC"), text("id DESC"))


class RunKind(StrEnum):
    BACKUP = "backup"
    RESTORE = "restore"


class RunState(StrEnum):
    """The one list of states of a run, everywhere in the product."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    COMPLETED_WITH_WARNINGS = "completed_with_warnings"
    PARTIAL = "partial"  # some targets have the snapshot, some have not
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in {RunState.WAITING, RunState.RUNNING}

    @property
    def may_forget(self) -> bool:
        """Whether retention may follow: only when every target has its new snapshot."""
        return self in {RunState.SUCCEEDED, RunState.COMPLETED_WITH_WARNINGS}


class RunTrigger(StrEnum):
    MANUAL = "manual"
    SCHEDULE = "schedule"


class Run(Identified, Timestamped, TenantModel):
    """One execution on one agent. A restore is a run too; its particulars are in `restore`."""

    __tablename__ = "run"
    __table_args__ = (
        tenant_key(),
        tenant_reference("job_id", "job"),
        tenant_reference("agent_id", "agent"),
        tenant_reference("dataset_id", "dataset"),
        # Lists are sorted by (created_at, id) and may be cut by time; `state` is there to be counted by days.
        Index("ix_run_newest", "organization_id", *_NEWEST, postgresql_include=["state"]),
        Index("ix_run_state_newest", "organization_id", "state", *_NEWEST),
        Index("ix_run_job_newest", "organization_id", "job_id", *_NEWEST),
        Index("ix_run_agent_newest", "organization_id", "agent_id", "kind", *_NEWEST),
        Index(
            "ix_run_lost",
            "organization_id",
            "finished_at",
            postgresql_where=text("error_code = 'workflow_lost'"),
        ),
        Index(
            "ix_run_restore_trouble",
            "organization_id",
            "finished_at",
            postgresql_where=text("kind = 'restore' AND state IN ('failed', 'completed_with_warnings')"),
        ),
        Index("ix_run_open", "dataset_id", postgresql_where=text("state IN ('waiting', 'running')")),
        # A slot of a schedule runs once, however often the workflow that starts it is repeated.
        Index(
            "uq_run_slot",
            "dataset_id",
            "scheduled_for",
            unique=True,
            postgresql_where=text("scheduled_for IS NOT NULL"),
        ),
    )
    system_access = ("select",)

    kind: Mapped[RunKind] = mapped_column(text_enum(RunKind, "kind"))
    state: Mapped[RunState] = mapped_column(text_enum(RunState, "state"), default=RunState.WAITING)
    trigger: Mapped[RunTrigger] = mapped_column(text_enum(RunTrigger, "trigger"))
    job_id: Mapped[UUID | None]
    agent_id: Mapped[UUID]
    dataset_id: Mapped[UUID | None]
    requested_by: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    scheduled_for: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    waiting_for: Mapped[str | None]  # why it waits: a code such as `admission`, `repository_full`, `retry`
    retry_at: Mapped[datetime | None]
    attempt: Mapped[int] = mapped_column(default=0, server_default="0")
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    warnings_total: Mapped[int] = mapped_column(default=0, server_default="0")
    result: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")


class RunTarget(Timestamped, TenantModel):
    """What became of one target of a run."""

    __tablename__ = "run_target"
    __table_args__ = (
        PrimaryKeyConstraint("organization_id", "run_id", "restic_repository_id"),
        tenant_reference("run_id", "run", ondelete="CASCADE"),
        tenant_reference("restic_repository_id", "restic_repository"),
    )

    run_id: Mapped[UUID]
    restic_repository_id: Mapped[UUID]
    state: Mapped[RunState] = mapped_column(text_enum(RunState, "state"), default=RunState.WAITING)
    restic_snapshot_id: Mapped[str | None]
    recorded_at: Mapped[datetime | None]  # when its result was looked at and written here
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    result: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")


class RunAttempt(Timestamped, TenantModel):
    """Each attempt at a target and its true reason for ending."""

    __tablename__ = "run_attempt"
    __table_args__ = (
        PrimaryKeyConstraint("organization_id", "run_id", "restic_repository_id", "attempt"),
        tenant_reference("run_id", "run", ondelete="CASCADE"),
        tenant_reference("restic_repository_id", "restic_repository"),
    )

    run_id: Mapped[UUID]
    restic_repository_id: Mapped[UUID]
    attempt: Mapped[int]
    result: Mapped[str]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    ordered_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    first_progress_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class RunWarning(Identified, TenantModel):
    """One file that was not read or not restored."""

    __tablename__ = "run_warning"
    __table_args__ = (
        tenant_reference("run_id", "run", ondelete="CASCADE"),
        UniqueConstraint("run_id", "command_id", "attempt", "position"),
    )

    run_id: Mapped[UUID]
    command_id: Mapped[str]
    attempt: Mapped[int]
    position: Mapped[int]  # place in the attempt's list
    path: Mapped[str]  # readable; U+FFFD where bytes are not UTF-8
    path_raw: Mapped[bytes | None]  # the exact bytes, where `path` lost something
    code: Mapped[str]
    message: Mapped[str]
