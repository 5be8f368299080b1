"""Queries of organizations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.kit.db.conflicts import broken_constraint
from sbs_server.models import Membership, Organization, Role

_COLUMNS = "o.id, o.name, o.version, o.created_at, o.updated_at, m.role"
_FROM = "platform_organizations(:user) o LEFT JOIN auth_memberships(:user) m ON m.organization_id = o.id"
_PAGE = text(
    f"SELECT {_COLUMNS} FROM {_FROM} WHERE CAST(:after AS uuid) IS NULL OR o.id < :after"  # noqa: S608 - constants
    " ORDER BY o.id DESC LIMIT :limit"
)
_ONE = text(f"SELECT {_COLUMNS} FROM {_FROM} WHERE o.id = :id")  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class OrganizationRow:
    """An organization as one person sees it."""

    id: UUID
    name: str
    version: int
    created_at: datetime
    updated_at: datetime
    role: Role | None


async def page(
    session: AsyncSession, user_id: UUID, after: UUID | None, limit: int
) -> Sequence[OrganizationRow]:
    """Those the person may see, newest first."""
    rows = await session.execute(_PAGE, {"user": user_id, "after": after, "limit": limit})
    return [_row(row) for row in rows.mappings()]


async def visible(session: AsyncSession, user_id: UUID, organization_id: UUID) -> OrganizationRow | None:
    """One, if the person may see it."""
    row = (await session.execute(_ONE, {"user": user_id, "id": organization_id})).mappings().one_or_none()
    return None if row is None else _row(row)


async def add(session: AsyncSession, organization_id: UUID, name: str) -> bool:
    """False if the name is taken. The transaction must already be that organization's."""
    statement = (
        insert(Organization)
        .values(id=organization_id, name=name)
        .on_conflict_do_nothing(index_elements=["name"])
    )
    return (await session.execute(statement.returning(Organization.id))).first() is not None


async def add_member(session: AsyncSession, organization_id: UUID, user_id: UUID, role: Role) -> bool:
    """False if the person is a member already."""
    statement = insert(Membership).values(organization_id=organization_id, user_id=user_id, role=role)
    statement = statement.on_conflict_do_nothing(index_elements=["organization_id", "user_id"])
    return (await session.execute(statement.returning(Membership.id))).first() is not None


async def locked(session: AsyncSession, organization_id: UUID) -> Organization | None:
    """The row, locked for an edit."""
    return (
        await session.execute(
            select(Organization).where(Organization.id == organization_id).with_for_update()
        )
    ).scalar_one_or_none()


async def rename(session: AsyncSession, organization: Organization, name: str) -> bool:
    """False if the name is taken; nothing has changed then."""
    try:
        async with session.begin_nested():
            organization.name = name
            organization.version += 1
            await session.flush()
    except IntegrityError as error:
        if broken_constraint(error) != "uq_organization_name":
            raise
        await session.refresh(organization)
        return False
    await session.refresh(organization)
    return True


def _row(row: RowMapping) -> OrganizationRow:
    role = row["role"]
    return OrganizationRow(
        id=row["id"],
        name=row["name"],
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        role=None if role is None else Role(role),
    )
