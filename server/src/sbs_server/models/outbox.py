from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from sbs_server.kit.db.base import Identified, Model, Timestamped
from sbs_server.kit.db.types import text_enum


class OutboxKind(StrEnum):
    """What the relay does with a row."""

    EVENT = "event"  # a CloudEvent to JetStream
    COMMAND = "command"  # a command to an agent's subject
    WORKFLOW_START = "workflow_start"
    WORKFLOW_SIGNAL = "workflow_signal"
    SCHEDULE_SYNC = "schedule_sync"  # make a job's Temporal Schedule what the job's row says
    AGENT_KICK = "agent_kick"  # cut the live connection of a revoked agent


class Outbox(Identified, Timestamped, Model):
    """Effects on the outside, written in the transaction that causes them.

    `sbs_app` may only insert; the relay (`sbs_system`) claims, publishes and parks. Order is kept within an
    aggregate. No row-level security: the application can't read it.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_unpublished",
            "next_attempt_at",
            postgresql_where=text("published_at IS NULL AND parked_at IS NULL"),
        ),
        Index("ix_outbox_aggregate", "aggregate", "id", postgresql_where=text("published_at IS NULL")),
    )
    system_access = ("select", "insert", "update", "delete")

    organization_id: Mapped[UUID | None]
    aggregate: Mapped[str]  # for example `run:<hex>`; rows of one go out in order
    kind: Mapped[OutboxKind] = mapped_column(text_enum(OutboxKind, "kind"))
    payload: Mapped[dict[str, Any]]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    last_error: Mapped[str | None]
    published_at: Mapped[datetime | None]
    parked_at: Mapped[datetime | None]  # poison: looked at by a person, see `sbs outbox`
