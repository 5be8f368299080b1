from typing import Any
from uuid import UUID

from sqlalchemy import PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sbs_protocol.commands import ConflictPolicy
from sbs_server.kit.db.base import TenantModel, Timestamped, tenant_reference
from sbs_server.kit.db.types import text_enum


class Restore(Timestamped, TenantModel):
    """What was asked of a run of the kind `restore`."""

    __tablename__ = "restore"
    __table_args__ = (
        PrimaryKeyConstraint("organization_id", "run_id"),
        tenant_reference("run_id", "run", ondelete="CASCADE"),
        tenant_reference("snapshot_id", "snapshot"),
    )

    run_id: Mapped[UUID]
    snapshot_id: Mapped[UUID]
    selection: Mapped[list[dict[str, Any]]]  # WirePath as JSON; empty: everything
    target_folder: Mapped[str]
    policy: Mapped[ConflictPolicy] = mapped_column(text_enum(ConflictPolicy, "policy"))
    verify: Mapped[bool] = mapped_column(default=True, server_default="true")
