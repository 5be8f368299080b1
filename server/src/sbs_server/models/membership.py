from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sbs_server.kit.db.base import Identified, TenantModel, Timestamped
from sbs_server.kit.db.types import text_enum


class Role(StrEnum):
    """What a member of an organization is to it."""

    ORG_ADMIN = "org_admin"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    END_USER = "end_user"


class Membership(Identified, Timestamped, TenantModel):
    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("organization_id", "user_id"),)
    system_access = ("select", "insert")

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    role: Mapped[Role] = mapped_column(text_enum(Role, "role"))
