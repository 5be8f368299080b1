"""Whether somebody who follows something live may still do so: asked again and again while the stream lasts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.auth.service import find_account, membership_role
from sbs_server.models import Role

READERS = frozenset({Role.ORG_ADMIN, Role.OPERATOR, Role.AUDITOR})


@dataclass(frozen=True, slots=True)
class Follower:
    """Who looks, where. `signed_in` asks whether the session is still there, without making it last longer."""

    user_id: UUID
    organization_id: UUID
    signed_in: Callable[[], Awaitable[bool]]

    async def may_read(self, session: AsyncSession) -> bool:
        """Whether the account still is good, and its role in the organization still lets it read."""
        account = await find_account(session, self.user_id)
        role = await membership_role(session, self.user_id, self.organization_id)
        return account is not None and not account.disabled and role in READERS
