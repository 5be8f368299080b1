from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sbs_server.kit.db.base import Model


class AuditEntry(Model):
    """One act, with the hash of the one before in its chain. Written by the function `audit_append` alone.

    `chain` is the organization's id, or the zero UUID for acts without an organization. The hash is
    SHA-256 over the hash before (hex) and `canonical`, the JSON text of all the other columns.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (PrimaryKeyConstraint("chain", "sequence"),)
    system_access = ("select",)

    chain: Mapped[UUID]
    sequence: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    actor_kind: Mapped[str]  # user, agent, system
    actor_id: Mapped[str | None]
    source_address: Mapped[str | None]
    action: Mapped[str]  # for example `job.created`
    target_kind: Mapped[str | None]
    target_id: Mapped[str | None]
    result: Mapped[str]  # done, denied, failed
    details: Mapped[dict[str, Any]]  # before and after, without secrets
    canonical: Mapped[str]
    previous_hash: Mapped[str]
    hash: Mapped[str]


class AuditChain(Model):
    """The end of each chain; its row is the lock that orders appends."""

    __tablename__ = "audit_chain"
    system_access = ("select",)

    chain: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str]
