from typing import Any
from uuid import UUID

from sqlalchemy import PrimaryKeyConstraint
from sqlalchemy.orm import Mapped

from sbs_server.kit.db.base import Model, Timestamped


class IdempotencyKey(Timestamped, Model):
    """The answer to a POST that carried an Idempotency-Key; kept 24 h, seen by its user alone."""

    __tablename__ = "idempotency_key"
    __table_args__ = (PrimaryKeyConstraint("user_id", "route", "key"),)
    system_access = ("select", "delete")

    user_id: Mapped[UUID]
    route: Mapped[str]  # method and path
    key: Mapped[str]
    request_sha256: Mapped[bytes]
    status: Mapped[int | None]  # None: the first request is still under way
    response: Mapped[dict[str, Any] | None]
