"""Making accounts from the machine itself: the first administrator, and those of new organizations.

Runs as `sbs_system`, because there is nobody yet who could sign in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.audit.service import Actor, record
from sbs_server.kit.ids import new_id
from sbs_server.models import Membership, Organization, Role, UserAccount

_ACTOR = Actor("system", "create-admin")


@dataclass(frozen=True, slots=True)
class AdministratorWanted:
    """`organization` None: an account without one. `password_hash` None: an account that exists keeps its own.

    `may_join`, `may_operate`: also an account that exists may become administrator of that organization, or operator.
    """

    email: str
    full_name: str
    locale: str
    organization: str | None
    is_platform_operator: bool
    password_hash: str | None
    may_join: bool = False
    may_operate: bool = False


@dataclass(frozen=True, slots=True)
class Administrator:
    """What is there now, and what of it is new."""

    user_id: UUID
    organization_id: UUID | None
    created_user: bool
    created_organization: bool
    created_membership: bool


class PasswordNeededError(Exception):
    """A new account needs a password."""


class AddressTakenError(Exception):
    """An account with this address exists, and would get rights that nobody asked to add to it. Nothing was made."""

    def __init__(self, organizations: Sequence[str]) -> None:
        super().__init__("the account exists already")
        self.organizations = organizations
        """Names of those that it belongs to."""


async def account_exists(session: AsyncSession, email: str) -> bool:
    return (await session.scalar(select(UserAccount.id).where(UserAccount.email == email))) is not None


async def create_administrator(session: AsyncSession, wanted: AdministratorWanted) -> Administrator:
    """Makes what is missing of account, organization and membership; the same again changes nothing.

    Raises: PasswordNeededError, AddressTakenError.
    """
    await _refuse_more_rights(session, wanted)
    user_id, created_user = await _account(session, wanted)
    organization_id, created_organization = await _organization(session, wanted.organization)
    created_membership = organization_id is not None and await _membership(session, organization_id, user_id)
    result = Administrator(user_id, organization_id, created_user, created_organization, created_membership)
    await _record(session, wanted, result)
    return result


async def _refuse_more_rights(session: AsyncSession, wanted: AdministratorWanted) -> None:
    """The same address again may be a mistake: what it would add to the account has to be asked for by name."""
    query = select(UserAccount.id, UserAccount.is_platform_operator).where(UserAccount.email == wanted.email)
    account = (await session.execute(query)).one_or_none()
    if account is None:
        return
    names = await _organizations_of(session, account.id)
    joins = wanted.organization is not None and wanted.organization not in names
    operates = wanted.is_platform_operator and not account.is_platform_operator
    if (joins and not wanted.may_join) or (operates and not wanted.may_operate):
        raise AddressTakenError(names)


async def _organizations_of(session: AsyncSession, user_id: UUID) -> Sequence[str]:
    query = (
        select(Organization.name)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.user_id == user_id)
        .order_by(Organization.name)
    )
    return (await session.scalars(query)).all()


async def _account(session: AsyncSession, wanted: AdministratorWanted) -> tuple[UUID, bool]:
    user_id = await session.scalar(select(UserAccount.id).where(UserAccount.email == wanted.email))
    if user_id is not None:
        changes: dict[str, object] = (
            {} if wanted.password_hash is None else {"password_hash": wanted.password_hash}
        )
        if wanted.is_platform_operator:
            changes["is_platform_operator"] = True
        if changes:
            await session.execute(update(UserAccount).where(UserAccount.id == user_id).values(**changes))
        return user_id, False
    if wanted.password_hash is None:
        raise PasswordNeededError
    user_id = new_id()
    values = {
        "id": user_id,
        "email": wanted.email,
        "full_name": wanted.full_name,
        "locale": wanted.locale,
        "is_platform_operator": wanted.is_platform_operator,
        "password_hash": wanted.password_hash,
    }
    await session.execute(insert(UserAccount).values(**values))
    return user_id, True


async def _organization(session: AsyncSession, name: str | None) -> tuple[UUID | None, bool]:
    if name is None:
        return None, False
    found = await session.scalar(select(Organization.id).where(Organization.name == name))
    if found is not None:
        return found, False
    organization_id = new_id()
    await session.execute(insert(Organization).values(id=organization_id, name=name))
    return organization_id, True


async def _membership(session: AsyncSession, organization_id: UUID, user_id: UUID) -> bool:
    """True if it is new. A membership with another role is left as it is: roles are the organization's to give."""
    is_member = select(Membership.id).where(
        Membership.organization_id == organization_id, Membership.user_id == user_id
    )
    if await session.scalar(is_member) is not None:
        return False
    values = {"organization_id": organization_id, "user_id": user_id, "role": Role.ORG_ADMIN}
    await session.execute(insert(Membership).values(**values))
    return True


async def _record(session: AsyncSession, wanted: AdministratorWanted, made: Administrator) -> None:
    details = {
        "email": wanted.email,
        "platform_operator": wanted.is_platform_operator,
        "created_user": made.created_user,
        "created_organization": made.created_organization,
        "created_membership": made.created_membership,
        "password_set": wanted.password_hash is not None,
    }
    target = ("user", str(made.user_id))
    await record(
        session, made.organization_id, _ACTOR, "user.administrator_created", target=target, details=details
    )
