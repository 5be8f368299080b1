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


class RepositoryKind(StrEnum):
    LOCAL = "local"


class RepositoryLayout(StrEnum):
    PER_AGENT = "per_agent"  # a restic repository of its own for each agent
    TEMPLATE = "template"  # holds no backups: gives an organization's repositories one chunker polynomial


class ResticRepositoryState(StrEnum):
    PENDING = "pending"  # not initialised yet
    READY = "ready"
    QUARANTINED = "quarantined"  # something is wrong; nothing is written until an administrator decides


class Repository(Identified, Timestamped, Versioned, TenantModel):
    """A place for backups: here a folder below one of the operator's storage roots."""

    __tablename__ = "repository"
    __table_args__ = (
        tenant_key(),
        Index(
            "uq_repository_name",
            "organization_id",
            "name",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        # One folder belongs to one repository of one organization, in the whole control plane.
        Index("uq_repository_path", "path", unique=True, postgresql_where=text("deleted_at IS NULL")),
    )

    name: Mapped[str]
    kind: Mapped[RepositoryKind] = mapped_column(text_enum(RepositoryKind, "kind"))
    layout: Mapped[RepositoryLayout] = mapped_column(text_enum(RepositoryLayout, "layout"))
    path: Mapped[str]  # absolute, real path
    deleted_at: Mapped[datetime | None]


class ResticRepository(Identified, Timestamped, TenantModel):
    """One repository in restic's sense: for the layout `per_agent`, one for each agent."""

    __tablename__ = "restic_repository"
    __table_args__ = (
        tenant_key(),
        tenant_reference("repository_id", "repository"),
        tenant_reference("agent_id", "agent"),
        tenant_reference("cp_secret_id", "secret"),
        tenant_reference("agent_secret_id", "secret"),
        UniqueConstraint("repository_id", "agent_id", postgresql_nulls_not_distinct=True),
    )
    system_access = ("select",)

    repository_id: Mapped[UUID]
    agent_id: Mapped[UUID | None] = mapped_column(index=True)  # None: the organization's template
    path: Mapped[str]  # absolute
    state: Mapped[ResticRepositoryState] = mapped_column(
        text_enum(ResticRepositoryState, "state"), default=ResticRepositoryState.PENDING
    )
    state_reason: Mapped[str | None]
    restic_id: Mapped[str | None]  # from restic's config
    cp_secret_id: Mapped[UUID]
    agent_secret_id: Mapped[UUID | None]
