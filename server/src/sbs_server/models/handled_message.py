from uuid import UUID

from sqlalchemy import PrimaryKeyConstraint
from sqlalchemy.orm import Mapped

from sbs_server.kit.db.base import TenantModel, Timestamped, tenant_reference


class HandledMessage(Timestamped, TenantModel):
    """Message ids of agents' events that were handled: the second arrival does nothing."""

    __tablename__ = "handled_message"
    __table_args__ = (
        PrimaryKeyConstraint("organization_id", "agent_id", "message_id"),
        tenant_reference("agent_id", "agent"),
    )
    system_access = ("select", "delete")

    agent_id: Mapped[UUID]
    message_id: Mapped[str]
