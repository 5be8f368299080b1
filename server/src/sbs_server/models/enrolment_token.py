from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from sbs_server.kit.db.base import Identified, TenantModel, Timestamped, tenant_key


class EnrolmentToken(Identified, Timestamped, TenantModel):
    """A one-time secret that lets a machine become an agent. Only the SHA-256 of the secret is here."""

    __tablename__ = "enrolment_token"
    __table_args__ = (tenant_key(), CheckConstraint("used_count <= max_uses", name="uses"))
    system_access = ("select", "update")

    name: Mapped[str]
    secret_sha256: Mapped[bytes] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    max_uses: Mapped[int] = mapped_column(default=1, server_default="1")
    used_count: Mapped[int] = mapped_column(default=0, server_default="0")
    revoked_at: Mapped[datetime | None]
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
