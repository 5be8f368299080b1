"""Which agent calls: the certificate that the ingress verified and passed on."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.agents import repository
from sbs_server.agents.authority import AgentAuthority
from sbs_server.audit.denials import Denial, note
from sbs_server.audit.service import Actor
from sbs_server.kit.errors import ForbiddenError, UnauthenticatedError
from sbs_server.kit.http.edge import CurrentEdge
from sbs_server.kit.http.headers import CLIENT_CERTIFICATE
from sbs_server.kit.http.ingress import client_address


@dataclass(frozen=True, slots=True)
class AgentCaller:
    """An enrolled agent. `session` sees its organization's rows alone."""

    session: AsyncSession
    organization_id: UUID
    agent_id: UUID
    serial: str
    address: str | None

    @property
    def actor(self) -> Actor:
        return Actor("agent", str(self.agent_id), self.address)


def current_authority(request: Request) -> AgentAuthority:
    authority: AgentAuthority = request.app.state.agent_authority
    return authority


CurrentAuthority = Annotated[AgentAuthority, Depends(current_authority)]


async def agent_caller(request: Request, edge: CurrentEdge, authority: CurrentAuthority) -> AgentCaller:
    """The agent behind the request.

    Raises:
        UnauthenticatedError: no certificate, or not one of ours; ForbiddenError: one of ours, but revoked (audited).
    """
    identity = authority.identify(request.headers.get(CLIENT_CERTIFICATE))
    session = await edge.enter(identity.organization_id, None)
    address = client_address(request)
    structlog.contextvars.bind_contextvars(agent_id=str(identity.agent_id))
    standing = await repository.standing(session, identity.agent_id, identity.serial)
    caller = AgentCaller(session, identity.organization_id, identity.agent_id, identity.serial, address)
    if standing is None:
        raise UnauthenticatedError("agent.certificate_refused")
    if standing is repository.Standing.REVOKED:
        action = request.url.path.removeprefix("/").replace("/", ".")
        note(request, Denial(caller.organization_id, caller.actor, action, ("agent", str(caller.agent_id))))
        raise ForbiddenError("agent.certificate_revoked")
    return caller


EnrolledAgent = Annotated[AgentCaller, Depends(agent_caller)]
