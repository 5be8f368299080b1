"""What must be known before a tenant is: narrow functions of the database, which `sbs_app` may call."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.models import Role

_BY_EMAIL = text("SELECT * FROM auth_account(:email)")
_BY_ID = text("SELECT * FROM auth_user(:id)")
_MEMBERSHIPS = text("SELECT organization_id, name, role FROM auth_memberships(:user)")


@dataclass(frozen=True, slots=True)
class Account:
    """A person. `password_hash` is there only when found by e-mail, for signing in."""

    id: UUID
    email: str
    full_name: str
    locale: str
    is_platform_operator: bool
    disabled: bool
    password_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class MembershipOf:
    organization_id: UUID
    name: str
    role: Role


async def account_by_email(session: AsyncSession, email: str) -> Account | None:
    row = (await session.execute(_BY_EMAIL, {"email": email})).mappings().one_or_none()
    return None if row is None else Account(**row)


async def account_by_id(session: AsyncSession, user_id: UUID) -> Account | None:
    row = (await session.execute(_BY_ID, {"id": user_id})).mappings().one_or_none()
    return None if row is None else Account(**row)


async def memberships(session: AsyncSession, user_id: UUID) -> Sequence[MembershipOf]:
    rows = (await session.execute(_MEMBERSHIPS, {"user": user_id})).all()
    return [MembershipOf(row.organization_id, row.name, Role(row.role)) for row in rows]
