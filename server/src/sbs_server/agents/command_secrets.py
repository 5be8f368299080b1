"""What opens a command's restic repository, for the agent that works on it and only while it does."""

from typing import Protocol
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_protocol.enrolment import SecretsResponse
from sbs_server.agents import repository
from sbs_server.agents.identity import AgentCaller
from sbs_server.audit.service import record
from sbs_server.kit.errors import ConflictError, NotFoundError
from sbs_server.models import Command, CommandState, ResticRepository, ResticRepositoryState


class SecretReader(Protocol):
    """`sbs_server.repositories.keys.SecretStore`, as far as it is needed here."""

    async def get(self, session: AsyncSession, secret_id: UUID) -> str: ...


class CommandSecrets:
    def __init__(self, secrets: SecretReader, agent_url: str) -> None:
        """`agent_url`: where agents reach the gateway, without a slash at the end."""
        self._secrets = secrets
        self._agent_url = agent_url.rstrip("/")

    async def for_command(self, caller: AgentCaller, command_id: str) -> SecretsResponse:
        """Address and password. Audited once a command.

        Raises:
            NotFoundError: no such command of this agent; ConflictError: it has ended, or the repository is not ready.
        """
        command = await caller.session.get(Command, command_id, with_for_update=True)
        if command is None or command.agent_id != caller.agent_id:
            raise NotFoundError("agent.command_unknown")
        if command.state in {CommandState.ABANDONED, CommandState.FINISHED}:
            raise ConflictError("agent.command_finished")
        target = await caller.session.get_one(ResticRepository, command.restic_repository_id)
        if target.state is not ResticRepositoryState.READY or target.agent_secret_id is None:
            raise ConflictError("agent.repository_not_ready", state=target.state.value)
        password = await self._secrets.get(caller.session, target.agent_secret_id)
        _taken(command)
        await _record(caller, command)
        return SecretsResponse(repository_url=f"{self._agent_url}/restic/{target.id.hex}/", password=password)


def _taken(command: Command) -> None:
    """restic may run from here on, and the agent's event may be late: no cancellation may think it untouched."""
    if command.state is CommandState.OPEN:
        command.state, command.accepted_at = CommandState.ACCEPTED, func.now()
        command.last_heard_at = func.now()


async def _record(caller: AgentCaller, command: Command) -> None:
    if await repository.first_time(
        caller.session, caller.organization_id, caller.agent_id, f"secrets:{command.id}"
    ):
        details = {"restic_repository_id": str(command.restic_repository_id)}
        target = ("command", command.id)
        await record(
            caller.session,
            caller.organization_id,
            caller.actor,
            "command.secrets_given",
            target=target,
            details=details,
        )
