from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, PrimaryKeyConstraint, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from sbs_server.kit.db.base import (
    Identified,
    TenantModel,
    Timestamped,
    Versioned,
    tenant_key,
    tenant_reference,
)
from sbs_server.kit.db.types import text_enum
from sbs_server.models.run import RunState


class Compression(StrEnum):
    """How hard restic packs: what it takes for useful, not at all, as small as it can (slow)."""

    AUTO = "auto"
    OFF = "off"
    MAX = "max"


class Job(Identified, Timestamped, Versioned, TenantModel):
    """What to back up, where to, and when."""

    __tablename__ = "job"
    __table_args__ = (
        tenant_key(),
        Index(
            "uq_job_name", "organization_id", "name", unique=True, postgresql_where=text("deleted_at IS NULL")
        ),
        CheckConstraint("keep_last IS NULL OR keep_last >= 1", name="keep_last"),
        CheckConstraint("offset_s BETWEEN 0 AND 59", name="offset_s"),
        Index(
            "ix_job_due",
            "organization_id",
            "next_due_at",
            postgresql_where=text("deleted_at IS NULL AND NOT paused AND cron IS NOT NULL"),
        ),
    )
    system_access = ("select",)

    name: Mapped[str]
    sources: Mapped[list[str]]
    includes: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    excludes: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    cron: Mapped[str | None]  # as it was typed; None: only by hand
    offset_s: Mapped[int] = mapped_column(default=0, server_default="0")  # seconds after cron's minute
    time_zone: Mapped[str] = mapped_column(default="UTC", server_default="UTC")
    paused: Mapped[bool] = mapped_column(default=False, server_default="false")
    keep_last: Mapped[int | None]  # None: nothing is forgotten
    compression: Mapped[Compression] = mapped_column(
        text_enum(Compression, "compression"), default=Compression.AUTO, server_default="auto"
    )
    # The first slot of the schedule that has not begun: in the past, it was missed. None: no schedule in force.
    next_due_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class JobAgent(TenantModel):
    __tablename__ = "job_agent"
    __table_args__ = (
        PrimaryKeyConstraint("organization_id", "job_id", "agent_id"),
        tenant_reference("job_id", "job", ondelete="CASCADE"),
        tenant_reference("agent_id", "agent"),
    )

    job_id: Mapped[UUID]
    agent_id: Mapped[UUID] = mapped_column(index=True)


class JobRepository(TenantModel):
    __tablename__ = "job_repository"
    __table_args__ = (
        PrimaryKeyConstraint("organization_id", "job_id", "repository_id"),
        tenant_reference("job_id", "job", ondelete="CASCADE"),
        tenant_reference("repository_id", "repository"),
    )

    job_id: Mapped[UUID]
    repository_id: Mapped[UUID] = mapped_column(index=True)


class Dataset(Identified, Timestamped, TenantModel):
    """What one job keeps of one agent: the line along which snapshots follow each other."""

    __tablename__ = "dataset"
    __table_args__ = (
        tenant_key(),
        tenant_reference("job_id", "job"),
        tenant_reference("agent_id", "agent"),
        UniqueConstraint("job_id", "agent_id"),
        Index(
            "ix_dataset_trouble",
            "organization_id",
            "job_id",
            postgresql_where=text("last_state IN ('failed', 'partial', 'completed_with_warnings')"),
        ),
    )

    job_id: Mapped[UUID]
    agent_id: Mapped[UUID] = mapped_column(index=True)
    # The last run that ended otherwise than by being cancelled; no reference: it may be deleted before the dataset.
    last_run_id: Mapped[UUID | None]
    last_state: Mapped[RunState | None] = mapped_column(text_enum(RunState, "last_state"))
    last_error_code: Mapped[str | None]
    last_finished_at: Mapped[datetime | None]
