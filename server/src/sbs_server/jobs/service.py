"""Deciding about jobs. Each change of one tells the relay to bring its Temporal Schedule in line, and who looks."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.audit.service import Actor, record
from sbs_server.jobs import repository as query
from sbs_server.jobs.due import slot_after
from sbs_server.jobs.schemas import JobCheck, JobCreate, JobEdit
from sbs_server.kit.db.conflicts import broken_constraint
from sbs_server.kit.errors import ConflictError, FieldProblem, InvalidError, NotFoundError, invalid
from sbs_server.kit.http.etags import check_version
from sbs_server.kit.ids import new_id
from sbs_server.messaging import outbox
from sbs_server.models import AgentState, Job, OutboxKind

_LISTS = {"agent_ids", "repository_ids"}
_TIMES = {"cron", "time_zone", "offset_s"}


async def create(session: AsyncSession, organization_id: UUID, actor: Actor, wanted: JobCreate) -> Job:
    """Raises InvalidError on the ids that can't be used, ConflictError on `/name`."""
    await _check_references(session, wanted.agent_ids, wanted.repository_ids)
    fields = wanted.model_dump(exclude=_LISTS)
    job = Job(id=new_id(), organization_id=organization_id, **fields)
    job.next_due_at = slot_after(job, datetime.now(UTC))
    session.add(job)
    await _flush(session)
    await query.replace_agents(session, job, wanted.agent_ids)
    await query.replace_repositories(session, job, wanted.repository_ids)
    await session.refresh(job)
    await _changed(session, job, actor, "job.created", wanted.model_dump(mode="json"))
    return job


async def check(session: AsyncSession, wanted: JobCheck) -> None:
    """Whether the fields that were given could be used. Raises InvalidError on ids, ConflictError on `/name`."""
    if wanted.job_id is not None and await query.find(session, wanted.job_id) is None:
        raise invalid("/job_id", "job.unknown")
    await _check_references(session, wanted.agent_ids, wanted.repository_ids)
    if wanted.name and await query.name_taken(session, wanted.name, wanted.job_id):
        raise ConflictError("job.name_taken", FieldProblem("/name", "job.name_taken"))


async def get(session: AsyncSession, job_id: UUID, *, lock: bool = False) -> Job:
    """Raises NotFoundError."""
    job = await query.find(session, job_id, lock=lock)
    if job is None:
        raise NotFoundError("request.not_found")
    return job


async def edit(session: AsyncSession, actor: Actor, job_id: UUID, wanted: JobEdit, if_match: str) -> Job:
    """Changes the fields that were given.

    Raises NotFoundError, PreconditionFailedError, InvalidError on ids, ConflictError on `/name`.
    """
    job = await get(session, job_id, lock=True)
    check_version(if_match, job.version)
    given = wanted.model_fields_set
    fields = wanted.model_dump(include=given - _LISTS)
    details = {
        "before": {name: getattr(job, name) for name in fields},
        "after": wanted.model_dump(mode="json", include=given),
    }
    await _check_references(session, wanted.agent_ids, wanted.repository_ids)
    for name, value in fields.items():
        setattr(job, name, value)
    if given & _TIMES:
        job.next_due_at = slot_after(job, datetime.now(UTC))
    job.version += 1
    await _flush(session)
    if "agent_ids" in given:
        await query.replace_agents(session, job, wanted.agent_ids)
    if "repository_ids" in given:
        await query.replace_repositories(session, job, wanted.repository_ids)
    await session.refresh(job)
    await _changed(session, job, actor, "job.edited", details)
    return job


async def set_paused(session: AsyncSession, actor: Actor, job_id: UUID, *, paused: bool) -> Job:
    """Stops or takes up the schedule; runs by hand go on. Raises NotFoundError."""
    job = await get(session, job_id, lock=True)
    if job.paused != paused:
        job.paused = paused
        job.next_due_at = slot_after(job, datetime.now(UTC))
        job.version += 1
        await session.flush()
        await session.refresh(job)
        await _changed(session, job, actor, "job.paused" if paused else "job.resumed", {"name": job.name})
    return job


async def delete(session: AsyncSession, actor: Actor, job_id: UUID) -> None:
    """Ends the job. Runs under way come to their end; snapshots stay. Raises NotFoundError."""
    job = await get(session, job_id, lock=True)
    job.deleted_at = await session.scalar(select(func.now()))
    job.version += 1
    await session.flush()
    await _changed(session, job, actor, "job.deleted", {"name": job.name})


async def _check_references(
    session: AsyncSession, agent_ids: Sequence[UUID], repository_ids: Sequence[UUID]
) -> None:
    states = await query.agent_states(session, agent_ids)
    living = await query.living_repositories(session, repository_ids)
    problems = []
    for place, agent_id in enumerate(agent_ids):
        if agent_id not in states:
            problems.append(FieldProblem(f"/agent_ids/{place}", "job.agent_unknown"))
        elif states[agent_id] is not AgentState.ACTIVE:
            problems.append(FieldProblem(f"/agent_ids/{place}", "job.agent_revoked"))
    for place, repository_id in enumerate(repository_ids):
        if repository_id not in living:
            problems.append(FieldProblem(f"/repository_ids/{place}", "job.repository_unknown"))
    if problems:
        raise InvalidError("request.invalid", *problems)


async def _flush(session: AsyncSession) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        if broken_constraint(error) == "uq_job_name":
            raise ConflictError("job.name_taken", FieldProblem("/name", "job.name_taken")) from error
        raise


async def _changed(
    session: AsyncSession, job: Job, actor: Actor, action: str, details: dict[str, Any]
) -> None:
    payload = {"job_id": job.id.hex}
    aggregate = f"job:{job.id.hex}"
    await outbox.put(session, OutboxKind.SCHEDULE_SYNC, aggregate, payload, job.organization_id)
    await outbox.event(session, job.organization_id, aggregate, f"{action}.v1", payload)
    await record(session, job.organization_id, actor, action, target=("job", str(job.id)), details=details)
