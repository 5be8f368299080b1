from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
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


class AgentState(StrEnum):
    ACTIVE = "active"
    REVOKED = "revoked"


class Agent(Identified, Timestamped, Versioned, TenantModel):
    """A machine that is enrolled. Presence is what NATS last said of its connection."""

    __tablename__ = "agent"
    __table_args__ = (
        tenant_key(),
        UniqueConstraint("organization_id", "name"),
        # Without `last_seen_at`, which is written all the time: an index on it would have to follow.
        Index(
            "ix_agent_away", "organization_id", postgresql_where=text("state = 'active' AND NOT connected")
        ),
    )
    system_access = ("select", "update")

    name: Mapped[str]
    hostname: Mapped[str]
    os: Mapped[str]
    os_version: Mapped[str] = mapped_column(default="", server_default="")
    arch: Mapped[str]
    agent_version: Mapped[str]
    protocol_version: Mapped[int]
    restic_version: Mapped[str | None]
    restic_problem: Mapped[str | None]
    capabilities: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    state: Mapped[AgentState] = mapped_column(text_enum(AgentState, "state"), default=AgentState.ACTIVE)
    connected: Mapped[bool] = mapped_column(default=False, server_default="false")
    boot_id: Mapped[str | None]
    last_seen_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AgentCertificate(Identified, Timestamped, TenantModel):
    """Each certificate ever issued to an agent; one that is revoked, or not here, opens nothing."""

    __tablename__ = "agent_certificate"
    __table_args__ = (
        tenant_reference("agent_id", "agent"),
        UniqueConstraint("agent_id", "csr_sha256"),
        Index(
            "ix_agent_certificate_end", "agent_id", "not_after", postgresql_where=text("revoked_at IS NULL")
        ),
    )
    system_access = ("select", "update")

    agent_id: Mapped[UUID] = mapped_column(index=True)
    serial: Mapped[str] = mapped_column(unique=True)  # lower-case hex
    csr_sha256: Mapped[bytes]
    chain_pem: Mapped[str]
    not_before: Mapped[datetime]
    not_after: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
