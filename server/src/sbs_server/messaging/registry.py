"""What the bus asks the database about agents, over all tenants (as `sbs_system`)."""

import hashlib
import ssl
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select

from sbs_server.kit.db.session import Database
from sbs_server.kit.pki import AgentIdentity
from sbs_server.messaging.errors import AgentRefusedError
from sbs_server.models import Agent, AgentCertificate, AgentState

_MOST_REMEMBERED = 100_000


class AgentRegistry:
    """Answers come from the database each time; only what can never change is remembered."""

    def __init__(self, system: Database) -> None:
        self._system = system
        self._organizations: dict[UUID, UUID] = {}

    async def admit(self, identity: AgentIdentity) -> None:
        """Raises `AgentRefusedError` unless agent and certificate are known, belong together and are in force.

        Raises what the database raises when it can't be asked.
        """
        query = (
            select(Agent.state, Agent.organization_id, AgentCertificate.revoked_at, AgentCertificate.agent_id)
            .select_from(Agent)
            .outerjoin(AgentCertificate, AgentCertificate.serial == identity.serial)
            .where(Agent.id == identity.agent_id)
        )
        async with self._system.transaction() as session:
            row = (await session.execute(query)).one_or_none()
        if row is None or row.organization_id != identity.organization_id:
            raise AgentRefusedError("no such agent in this organization")
        if row.state != AgentState.ACTIVE:
            raise AgentRefusedError("the agent is revoked")
        if row.agent_id != identity.agent_id:
            raise AgentRefusedError(f"certificate {identity.serial} was not issued to this agent")
        if row.revoked_at is not None:
            raise AgentRefusedError(f"certificate {identity.serial} is revoked")

    async def organization_of(self, agent_id: UUID) -> UUID | None:
        """The organization of an agent; None: there is no such agent."""
        known = self._organizations.get(agent_id)
        if known is not None:
            return known
        async with self._system.transaction() as session:
            found = await session.scalar(select(Agent.organization_id).where(Agent.id == agent_id))
        if found is not None:
            if len(self._organizations) >= _MOST_REMEMBERED:
                self._organizations.clear()
            self._organizations[agent_id] = found
        return found

    async def active(self, agent_ids: Collection[UUID]) -> set[UUID]:
        """Which of these agents may be connected at all."""
        query = select(Agent.id).where(Agent.id.in_(agent_ids), Agent.state == AgentState.ACTIVE)
        async with self._system.transaction() as session:
            return set(await session.scalars(query))

    async def revoked_certificates(self, agent_ids: Collection[UUID]) -> set[str]:
        """SHA-256 (hex) of the DER of each revoked, not yet expired certificate of these agents."""
        query = select(AgentCertificate.chain_pem).where(
            AgentCertificate.agent_id.in_(agent_ids),
            AgentCertificate.revoked_at.is_not(None),
            AgentCertificate.not_after > func.now(),
        )
        async with self._system.transaction() as session:
            return {_leaf_sha256(chain) for chain in await session.scalars(query)}


def _leaf_sha256(chain_pem: str) -> str:
    leaf = chain_pem[: chain_pem.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(leaf)).hexdigest()
