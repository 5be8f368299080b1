from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from sbs_server.kit.db.base import TenantModel, Timestamped, tenant_reference
from sbs_server.kit.db.types import text_enum


class CommandState(StrEnum):
    OPEN = "open"  # ordered, not yet accepted by the agent
    ACCEPTED = "accepted"  # the agent has it on disk
    RUNNING = "running"
    ABANDONED = "abandoned"  # nobody waits for it any more, but restic may still run: see agents.abandonment
    FINISHED = "finished"


class Command(Timestamped, TenantModel):
    """The truth about a piece of an agent's work. One row over all attempts at it."""

    __tablename__ = "command"
    __table_args__ = (
        tenant_reference("agent_id", "agent"),
        tenant_reference("run_id", "run"),
        tenant_reference("restic_repository_id", "restic_repository"),
        Index("ix_command_open", "agent_id", postgresql_where=text("state <> 'finished'")),
        Index(
            "ix_command_finished",
            "organization_id",
            "finished_at",
            postgresql_where=text("state = 'finished'"),
        ),
    )
    system_access = ("select",)

    id: Mapped[str] = mapped_column(primary_key=True)  # <run>.<step>.<target>, see sbs_protocol.identifiers
    agent_id: Mapped[UUID]
    run_id: Mapped[UUID] = mapped_column(index=True)
    restic_repository_id: Mapped[UUID]
    attempt: Mapped[int]
    body: Mapped[dict[str, Any]]  # sbs_protocol.commands.Body; never a secret
    state: Mapped[CommandState] = mapped_column(text_enum(CommandState, "state"), default=CommandState.OPEN)
    outcome: Mapped[dict[str, Any] | None]  # sbs_protocol.events.CommandFinished
    workflow_id: Mapped[str]
    activity_id: Mapped[str]  # who waits for the end of this attempt
    ordered_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    first_progress_at: Mapped[datetime | None]  # restic has begun to read or write data
    last_heard_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    cancel_requested_at: Mapped[datetime | None]
    warnings: Mapped[int] = mapped_column(default=0, server_default="0")  # of this attempt, kept or not
