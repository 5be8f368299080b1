from sqlalchemy.orm import Mapped, mapped_column

from sbs_server.kit.db.base import Identified, Model, Timestamped, Versioned


class Organization(Identified, Timestamped, Versioned, Model):
    """A tenant. Its own policy compares `id` with the transaction's organization."""

    __tablename__ = "organization"
    system_access = ("select", "insert")

    name: Mapped[str] = mapped_column(unique=True)
