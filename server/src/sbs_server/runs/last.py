"""The last run of something, as lists of other things show it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from sbs_server.models import Agent, Job, Run, RunKind, RunState


class LastRun(BaseModel):
    """A run in few words. `created_at`: when it was asked for."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    job_id: UUID | None
    state: RunState
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


async def of_jobs(session: AsyncSession, job_ids: Sequence[UUID]) -> dict[UUID, LastRun]:
    """The newest run of each job that has one."""
    return await _newest(session, Job.id, Run.job_id, job_ids)


async def backups_of_agents(session: AsyncSession, agent_ids: Sequence[UUID]) -> dict[UUID, LastRun]:
    """The newest backup of each agent that has one."""
    return await _newest(session, Agent.id, Run.agent_id, agent_ids, Run.kind == RunKind.BACKUP)


async def _newest(
    session: AsyncSession,
    owner: InstrumentedAttribute[UUID],
    owned_by: InstrumentedAttribute[Any],
    ids: Sequence[UUID],
    *conditions: ColumnElement[bool],
) -> dict[UUID, LastRun]:
    # One look into an index for each: grouping would read all their runs.
    owners = select(owner.label("owner")).where(owner.in_(ids)).subquery()
    columns = [getattr(Run, name) for name in LastRun.model_fields]
    newest = (
        select(*columns)
        .where(owned_by == owners.c.owner, *conditions)
        .order_by(Run.created_at.desc(), Run.id.desc())
        .limit(1)
        .lateral()
    )
    rows = await session.execute(select(owners.c.owner, newest).select_from(owners).join(newest, true()))
    return {row.owner: LastRun.model_validate(row) for row in rows}
