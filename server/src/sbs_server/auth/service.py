"""Signing in, and what a person is to an organization."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from valkey.asyncio import Valkey

from sbs_server.audit.service import Actor, record
from sbs_server.auth import repository
from sbs_server.auth.passwords import Passwords
from sbs_server.auth.repository import Account, MembershipOf
from sbs_server.kit.db.session import Database
from sbs_server.kit.errors import TooManyRequestsError, UnauthenticatedError
from sbs_server.kit.throttle import Throttle, Window, network_of
from sbs_server.models import Role

# An account can be locked by anybody who knows its address, so its window is short; a whole office shares an address.
PER_ACCOUNT = Window("sign-in-account", 10, 5 * 60)
PER_ADDRESS = Window("sign-in-address", 60, 5 * 60)


async def find_account(session: AsyncSession, user_id: UUID) -> Account | None:
    return await repository.account_by_id(session, user_id)


async def memberships(session: AsyncSession, user_id: UUID) -> Sequence[MembershipOf]:
    """The organizations of a person, by name."""
    return await repository.memberships(session, user_id)


async def membership_role(session: AsyncSession, user_id: UUID, organization_id: UUID) -> Role | None:
    """What the person is to the organization; None if they have no business there."""
    for membership in await repository.memberships(session, user_id):
        if membership.organization_id == organization_id:
            return membership.role
    return None


class SignIn:
    """Compares passwords: same answer and same work for unknown and disabled accounts and wrong passwords."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        valkey: Valkey,
        per_account: Window = PER_ACCOUNT,
        per_address: Window = PER_ADDRESS,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._accounts = Throttle(valkey, per_account)
        self._addresses = Throttle(valkey, per_address)

    async def account(self, email: str, password: str, address: str | None) -> Account:
        """The account, if e-mail (lower case) and password are right.

        No connection to the database is held while the password is hashed. A failure is audited.
        Raises: UnauthenticatedError, TooManyRequestsError.
        """
        left = await self._count(email, address)
        async with self._database.transaction() as session:
            found = await repository.account_by_email(session, email)
        usable = found is not None and not found.disabled
        right = await self._passwords.verify(found.password_hash if found and usable else None, password)
        if found is None or not right:
            await self._refused(email, found, address, last=left == 0)
            raise UnauthenticatedError("session.refused")
        await self._accounts.forget(email)
        return found

    async def _count(self, email: str, address: str | None) -> int:
        """How many tries are left. Counted before the work, so that many at once are not a way around."""
        try:
            left = await self._addresses.hit(network_of(address))
            return min(left, await self._accounts.hit(email))
        except TooManyRequestsError as error:
            # Not audited one by one: the attempt that used up the window was, and said so.
            raise TooManyRequestsError("session.too_many", **error.params) from error

    async def _refused(self, email: str, found: Account | None, address: str | None, *, last: bool) -> None:
        user_id = None if found is None else str(found.id)
        async with self._database.transaction() as session:
            await record(
                session,
                None,
                Actor("user", user_id, address),
                "session.created",
                target=None if user_id is None else ("user", user_id),
                result="denied",
                details={"email": email, "locked": last},
            )
