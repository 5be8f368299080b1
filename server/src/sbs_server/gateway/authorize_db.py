"""Grants from the database, by one narrow function.

    gateway_access(p_organization uuid, p_agent uuid, p_serial text, p_restic_repository uuid)
        returns table(path text, state text, own boolean)      -- SECURITY DEFINER, executable by sbs_app

It returns no row unless the restic repository is the agent's (`own`) or the agent has an open command to restore from
it (not one whose end was asked for more than five minutes ago), in that organization, and neither the agent nor the
certificate is revoked. `path` is absolute; `state` is
`ready`, or names why the repository can't be used now (`pending`, `quarantined`).
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from sbs_server.gateway.authorize import AgentIdentity, RepositoryGrant
from sbs_server.gateway.errors import RefusedError, UnavailableError

_GRANT = text(
    "SELECT path, state, own FROM gateway_access(:organization, :agent, :serial, :restic_repository)"
)
_FRESH_S = 0.5
_ANSWER_S = 10.0
_REMEMBERED = 20_000
_Key = tuple[AgentIdentity, UUID]


@dataclass(frozen=True, slots=True)
class _Answer:
    path: str | None
    state: str | None
    own: bool
    asked_at: float


class DatabaseAuthorizer:
    """`Authorizer` over PostgreSQL, as role sbs_app. Answers are reused for half a second.

    With the re-check of running transfers every second, a revocation cuts an upload within 2 s: half a second
    of an old answer, a second to the next look, and the time of the question.
    """

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._answers: OrderedDict[_Key, _Answer] = OrderedDict()
        self._asking: dict[_Key, asyncio.Task[_Answer]] = {}

    async def restic_repository(self, restic_repository_id: UUID, agent: AgentIdentity) -> RepositoryGrant:
        answer = await self._answer((agent, restic_repository_id))
        if answer.state is None or not answer.path:
            raise RefusedError(
                "this restic repository is not one of this agent's, or the agent or its certificate is revoked"
            )
        if answer.state != "ready":
            raise RefusedError(f"the restic repository can't be used now: it is {answer.state}")
        return RepositoryGrant(restic_repository_id, Path(answer.path), answer.own)

    async def ready(self) -> None:
        try:
            async with asyncio.timeout(_ANSWER_S), self._engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise UnavailableError("the database does not answer") from error

    async def close(self) -> None:
        await self._engine.dispose()

    async def _answer(self, key: _Key) -> _Answer:
        known = self._answers.get(key)
        if known is not None and self._clock() - known.asked_at < _FRESH_S:
            return known
        # Five connections of one restic ask one question, not five.
        task = self._asking.get(key)
        if task is None:
            task = self._asking[key] = asyncio.create_task(self._ask(key))
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(task)

    async def _ask(self, key: _Key) -> _Answer:
        agent, restic_repository_id = key
        asked_at = self._clock()
        parameters = {
            "organization": agent.organization_id,
            "agent": agent.agent_id,
            "serial": agent.serial,
            "restic_repository": restic_repository_id,
        }
        try:
            async with asyncio.timeout(_ANSWER_S), self._engine.connect() as connection:
                row = (await connection.execute(_GRANT, parameters)).one_or_none()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            raise UnavailableError("the database that knows the grants does not answer") from error
        answer = (
            _Answer(None, None, False, asked_at)
            if row is None
            else _Answer(row.path, row.state, row.own, asked_at)
        )
        self._remember(key, answer)
        return answer

    def _remember(self, key: _Key, answer: _Answer) -> None:
        self._answers[key] = answer
        self._answers.move_to_end(key)
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
