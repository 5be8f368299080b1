"""The scope of a request: who calls, in which organization, in which transaction.

Endpoints take one of the annotated dependencies at the end of this module and nothing else from `auth`.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.audit.service import Actor
from sbs_server.auth.caller import Caller, SignedIn
from sbs_server.auth.service import membership_role
from sbs_server.kit.errors import ForbiddenError, NotFoundError
from sbs_server.kit.http.edge import CurrentEdge
from sbs_server.models import Role

ORGANIZATION = "/api/v1/organizations/{organization_id}"
"""The prefix of everything that belongs to one organization, whose id the dependencies below read."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One organization, as one of its members sees it. `session` sees that organization's rows alone."""

    session: AsyncSession
    organization_id: UUID
    caller: Caller
    role: Role

    @property
    def actor(self) -> Actor:
        """The caller, for the audit log."""
        return self.caller.actor


def _scope(*allowed: Role) -> Callable[..., Coroutine[Any, Any, Scope]]:
    async def enter(organization_id: UUID, caller: SignedIn, edge: CurrentEdge) -> Scope:
        role = await membership_role(edge.session, caller.user_id, organization_id)
        if role is None:
            raise NotFoundError("request.not_found")
        session = await edge.enter(organization_id, caller.user_id)
        if role not in allowed:
            raise ForbiddenError("request.forbidden")
        await edge.once(caller.user_id)
        return Scope(session, organization_id, caller, role)

    return enter


Reader = Annotated[Scope, Depends(_scope(Role.ORG_ADMIN, Role.OPERATOR, Role.AUDITOR))]
Operator = Annotated[Scope, Depends(_scope(Role.ORG_ADMIN, Role.OPERATOR))]
Admin = Annotated[Scope, Depends(_scope(Role.ORG_ADMIN))]
