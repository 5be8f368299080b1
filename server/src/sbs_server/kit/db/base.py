"""The base classes of all tables.

Which base when:
  Model        a table without a tenant (people, the outbox): access by grants and its own policies
  TenantModel  everything that belongs to an organization: `organization_id`, forced row-level security

Keys between tenant tables are composite (organization, id), because foreign keys look past row-level
security: use `tenant_key()` for the parent and `tenant_reference()` in the child.
"""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, ForeignKeyConstraint, MetaData, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from sbs_server.kit.ids import new_id

SystemAccess = Literal["select", "insert", "update", "delete"]

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Model(DeclarativeBase):
    metadata = MetaData(naming_convention=_NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: JSONB,
        list[dict[str, Any]]: JSONB,
    }
    system_access: ClassVar[tuple[SystemAccess, ...]] = ()
    """What `sbs_system` may do in this table, over all tenants."""


class TenantModel(Model):
    """A row of one organization. A table below this without a forced policy fails a test."""

    __abstract__ = True

    organization_id: Mapped[UUID] = mapped_column(ForeignKey("organization.id"), primary_key=False)


class Identified:
    """Mixin: an id of its own."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)


class Timestamped:
    """Mixin: when the row was made and last changed, by the database's clock."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class Versioned:
    """Mixin: a number that rises with each edit; the ETag of the API."""

    version: Mapped[int] = mapped_column(default=1, server_default="1")


def tenant_key() -> UniqueConstraint:
    """What composite references of other tenant tables point at."""
    return UniqueConstraint("organization_id", "id")


def tenant_reference(column: str, table: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """A reference that can't leave the organization."""
    return ForeignKeyConstraint(
        ["organization_id", column], [f"{table}.organization_id", f"{table}.id"], ondelete=ondelete
    )
