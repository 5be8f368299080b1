"""What people do with agents: look, rename, revoke."""

from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.agents import abandonment, repository
from sbs_server.agents.repository import AgentFilter
from sbs_server.agents.schemas import AgentOut, AgentSort
from sbs_server.audit.service import record
from sbs_server.auth.scope import Scope
from sbs_server.kit.errors import ConflictError, FieldProblem, NotFoundError
from sbs_server.kit.http.etags import check_version
from sbs_server.kit.http.sorting import SortedPage
from sbs_server.messaging import outbox
from sbs_server.models import Agent, AgentState, OutboxKind
from sbs_server.runs import last


async def listed(
    scope: Scope, wanted: AgentFilter, paging: SortedPage[AgentSort]
) -> tuple[list[AgentOut], str | None]:
    """A page of agents, and the cursor of the next one."""
    rows = await repository.page(scope.session, wanted, paging)
    found, next_cursor = paging.slice(rows, lambda row: repository.place(row, paging.sort))
    return await _out(scope, found), next_cursor


async def get(scope: Scope, agent_id: UUID) -> AgentOut:
    """Raises `NotFoundError`."""
    agent = await repository.get(scope.session, agent_id)
    if agent is None:
        raise NotFoundError("request.not_found")
    return (await _out(scope, [agent]))[0]


async def rename(scope: Scope, agent_id: UUID, name: str, if_match: str) -> AgentOut:
    """Raises NotFoundError, PreconditionFailedError, ConflictError."""
    agent = await _locked(scope, agent_id)
    check_version(if_match, agent.version)
    before = agent.name
    if not await repository.rename(scope.session, agent, name):
        problem = FieldProblem("/name", "agent.name_taken", {"name": name})
        raise ConflictError("agent.name_taken", problem, name=name)
    answer = (await _out(scope, [agent]))[0]
    await announce_change(scope.session, agent)
    await _record(scope, agent_id, "agent.renamed", {"before": before, "after": name})
    return answer


async def revoke(scope: Scope, agent_id: UUID) -> AgentOut:
    """The agent and all its certificates are good for nothing from now on; its live connection is cut.

    Doing it again changes nothing. Raises `NotFoundError`.
    """
    agent = await _locked(scope, agent_id)
    if agent.state is not AgentState.REVOKED:
        agent.state, agent.revoked_at, agent.version = AgentState.REVOKED, func.now(), agent.version + 1
        await scope.session.flush()
        await scope.session.refresh(agent)
        await repository.revoke_certificates(scope.session, agent_id)
        # The gateway refuses it from now on: nothing that it left at work can write any more.
        await abandonment.settle(scope.session, agent_id)
        await _announce_revocation(scope, agent_id)
        await _record(scope, agent_id, "agent.revoked", {"name": agent.name})
    return (await _out(scope, [agent]))[0]


async def announce_change(session: AsyncSession, agent: Agent) -> None:
    """Tells who looks at agents that this one is not what it was."""
    data = {"agent_id": agent.id.hex, "state": agent.state.value}
    await outbox.event(session, agent.organization_id, f"agent:{agent.id.hex}", "agent.changed.v1", data)


async def _announce_revocation(scope: Scope, agent_id: UUID) -> None:
    aggregate, organization_id = f"agent:{agent_id.hex}", scope.organization_id
    await outbox.put(
        scope.session, OutboxKind.AGENT_KICK, aggregate, {"agent_id": agent_id.hex}, organization_id
    )
    await outbox.event(
        scope.session,
        organization_id,
        aggregate,
        "agent.revoked.v1",
        {"agent_id": agent_id.hex, "state": AgentState.REVOKED.value},
    )


async def _locked(scope: Scope, agent_id: UUID) -> Agent:
    agent = await repository.locked(scope.session, agent_id)
    if agent is None:
        raise NotFoundError("request.not_found")
    return agent


async def _out(scope: Scope, agents: list[Agent]) -> list[AgentOut]:
    ids = [agent.id for agent in agents]
    ends = await repository.certificate_ends(scope.session, ids)
    backups = await last.backups_of_agents(scope.session, ids)
    return [
        AgentOut.model_validate(agent).model_copy(
            update={"certificate_not_after": ends.get(agent.id), "last_backup": backups.get(agent.id)}
        )
        for agent in agents
    ]


async def _record(scope: Scope, agent_id: UUID, action: str, details: dict[str, object]) -> None:
    target = ("agent", str(agent_id))
    await record(scope.session, scope.organization_id, scope.actor, action, target=target, details=details)
