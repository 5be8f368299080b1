from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from sbs_server.kit.db.base import Identified, TenantModel, Timestamped, tenant_key, tenant_reference
from sbs_server.kit.db.types import text_enum


class TicketState(StrEnum):
    WAITING = "waiting"
    GRANTED = "granted"
    RELEASED = "released"


class ClaimMode(StrEnum):
    SHARED = "shared"  # backup, restore
    EXCLUSIVE = "exclusive"  # forget, prune, key work


class AdmissionTicket(Identified, Timestamped, TenantModel):
    """The right to work on some restic repositories. Granted in the order of asking, all claims at once."""

    __tablename__ = "admission_ticket"
    __table_args__ = (
        tenant_key(),
        tenant_reference("run_id", "run"),
        UniqueConstraint("run_id", "purpose"),
        Index(
            "ix_admission_ticket_live", "state", "enqueued_at", postgresql_where=text("state <> 'released'")
        ),
    )
    system_access = ("select", "update")

    run_id: Mapped[UUID]
    purpose: Mapped[str]  # `backup`, `restore`, `forget`, `backup.2`: one ticket of each for a run
    workflow_id: Mapped[str]
    state: Mapped[TicketState] = mapped_column(text_enum(TicketState, "state"), default=TicketState.WAITING)
    enqueued_at: Mapped[datetime]
    granted_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    release_reason: Mapped[str | None]


class AdmissionClaim(TenantModel):
    __tablename__ = "admission_claim"
    __table_args__ = (
        PrimaryKeyConstraint("organization_id", "ticket_id", "restic_repository_id"),
        tenant_reference("ticket_id", "admission_ticket", ondelete="CASCADE"),
        tenant_reference("restic_repository_id", "restic_repository"),
    )
    system_access = ("select",)

    ticket_id: Mapped[UUID]
    restic_repository_id: Mapped[UUID] = mapped_column(index=True)
    mode: Mapped[ClaimMode] = mapped_column(text_enum(ClaimMode, "mode"))
