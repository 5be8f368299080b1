from datetime import datetime
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
    )

    job_id: Mapped[UUID]
    agent_id: Mapped[UUID] = mapped_column(index=True)
