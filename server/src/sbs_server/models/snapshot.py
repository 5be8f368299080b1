from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from sbs_server.kit.db.base import Identified, TenantModel, Timestamped, tenant_key, tenant_reference
from sbs_server.kit.db.types import text_enum

_NEWEST = (text("taken_at DESC"), text("id DESC"))


class CopyState(StrEnum):
    PRESENT = "present"
    FORGOTTEN = "forgotten"


class Snapshot(Identified, Timestamped, TenantModel):
    """One point in time of one dataset. Where it lies is in its copies."""

    __tablename__ = "snapshot"
    __table_args__ = (
        tenant_key(),
        tenant_reference("dataset_id", "dataset"),
        tenant_reference("agent_id", "agent"),
        tenant_reference("run_id", "run"),
        UniqueConstraint("run_id"),
        Index("ix_snapshot_dataset_newest", "organization_id", "dataset_id", text("taken_at DESC")),
        Index(
            "ix_snapshot_newest", "organization_id", *_NEWEST, postgresql_where=text("forgotten_at IS NULL")
        ),
        # Of one column, so that it is small: for counting.
        Index("ix_snapshot_present", "organization_id", postgresql_where=text("forgotten_at IS NULL")),
        Index("ix_snapshot_agent_newest", "organization_id", "agent_id", *_NEWEST),
    )

    dataset_id: Mapped[UUID]
    agent_id: Mapped[UUID]
    run_id: Mapped[UUID]
    taken_at: Mapped[datetime]
    hostname: Mapped[str]
    paths: Mapped[list[str]]
    files: Mapped[int] = mapped_column(BigInteger)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    added_bytes: Mapped[int] = mapped_column(BigInteger)
    complete: Mapped[bool]  # False: some files could not be read, see the run's warnings
    forgotten_at: Mapped[datetime | None]  # set when its last copy is gone


class SnapshotCopy(Identified, Timestamped, TenantModel):
    __tablename__ = "snapshot_copy"
    __table_args__ = (
        tenant_reference("snapshot_id", "snapshot"),
        tenant_reference("restic_repository_id", "restic_repository"),
        UniqueConstraint("restic_repository_id", "restic_snapshot_id"),
        Index(
            "ix_snapshot_copy_present",
            "organization_id",
            "restic_repository_id",
            postgresql_where=text("state = 'present'"),
        ),
    )

    snapshot_id: Mapped[UUID] = mapped_column(index=True)
    restic_repository_id: Mapped[UUID]
    restic_snapshot_id: Mapped[str]  # 64 hex digits
    state: Mapped[CopyState] = mapped_column(text_enum(CopyState, "state"), default=CopyState.PRESENT)
    forgotten_at: Mapped[datetime | None]
