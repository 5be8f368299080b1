"""Deciding about runs: starting, cancelling, and saying how one stands."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.audit.service import Actor, record
from sbs_server.backups.service import start_runs
from sbs_server.jobs import service as jobs
from sbs_server.kit.errors import ConflictError, FieldProblem, InvalidError, NotFoundError
from sbs_server.kit.i18n import Locale
from sbs_server.models import Agent, AgentState, RunAttempt, RunTarget, RunTrigger
from sbs_server.runs import repository as query
from sbs_server.runs.lifecycle import request_cancel
from sbs_server.runs.reasons import reason
from sbs_server.runs.schemas import RunAttemptOut, RunDetail, RunOut, RunTargetOut
from sbs_server.runs.waiting import why_it_waits


async def start(
    session: AsyncSession,
    organization_id: UUID,
    actor: Actor,
    job_id: UUID,
    agent_ids: Sequence[UUID] | None,
    *,
    locale: Locale,
) -> list[RunOut]:
    """Starts a job by hand on its agents, or on some of them.

    Raises NotFoundError, InvalidError on `/agent_ids/…`, ConflictError when all of its agents have been revoked.
    """
    job = await jobs.get(session, job_id)
    chosen = _choose(await query.agents_of_job(session, job_id), agent_ids)
    requested_by = UUID(actor.id) if actor.id is not None else None
    runs = await start_runs(
        session, organization_id, job, RunTrigger.MANUAL, requested_by=requested_by, agent_ids=chosen
    )
    details = {"runs": [str(run.id) for run in runs], "name": job.name}
    target = ("job", str(job_id))
    await record(session, organization_id, actor, "job.started", target=target, details=details)
    return await runs_out(session, await query.named(session, [run.id for run in runs]), locale)


async def cancel(session: AsyncSession, actor: Actor, run_id: UUID, locale: Locale) -> RunDetail:
    """Asks a run to stop. Raises NotFoundError, ConflictError when it has ended."""
    run = await query.lock(session, run_id)
    if run is None:
        raise NotFoundError("request.not_found")
    await request_cancel(session, run, actor)
    await session.flush()
    return await detail(session, run_id, locale)


async def detail(session: AsyncSession, run_id: UUID, locale: Locale) -> RunDetail:
    """All there is to say about a run. Raises NotFoundError."""
    rows = await query.named(session, [run_id])
    if not rows:
        raise NotFoundError("request.not_found")
    (out,) = await runs_out(session, rows, locale)
    run = rows[0][0]
    agent = await session.get_one(Agent, run.agent_id)
    return RunDetail(
        **out.model_dump(),
        wait=await why_it_waits(session, run, agent, locale),
        snapshot_id=await query.snapshot_of(session, run_id),
        targets=[_target(*row, locale) for row in await query.targets(session, run_id)],
        attempts=[_attempt(one, locale) for one in await query.attempts(session, run_id)],
    )


async def check_exists(session: AsyncSession, run_id: UUID) -> None:
    """Raises NotFoundError."""
    if not await query.exists(session, run_id):
        raise NotFoundError("request.not_found")


async def runs_out(session: AsyncSession, rows: Sequence[query.NamedRun], locale: Locale) -> list[RunOut]:
    """Runs as lists show them."""
    sizes = await query.sizes(session, [row[0].id for row in rows])
    return [run_out(row, locale, sizes.get(row[0].id, query.Sizes())) for row in rows]


def run_out(row: query.NamedRun, locale: Locale, sizes: query.Sizes) -> RunOut:
    """A run in few words."""
    run, agent_name, job_name = row
    return RunOut(
        id=run.id,
        kind=run.kind,
        state=run.state,
        trigger=run.trigger,
        job_id=run.job_id,
        job_name=job_name,
        agent_id=run.agent_id,
        agent_name=agent_name,
        requested_by=run.requested_by,
        scheduled_for=run.scheduled_for,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        cancel_requested_at=run.cancel_requested_at,
        attempt=run.attempt,
        warnings_total=run.warnings_total,
        error=reason(run, locale),
        result=run.result,
        bytes_processed=sizes.processed,
        bytes_added=sizes.added,
    )


def _choose(agents: Sequence[Agent], wanted: Sequence[UUID] | None) -> list[UUID]:
    states = {agent.id: agent.state for agent in agents}
    problems = []
    for place, agent_id in enumerate(wanted or ()):
        if agent_id not in states:
            problems.append(FieldProblem(f"/agent_ids/{place}", "run.agent_not_in_job"))
        elif states[agent_id] is not AgentState.ACTIVE:
            problems.append(FieldProblem(f"/agent_ids/{place}", "run.agent_revoked"))
    if problems:
        raise InvalidError("request.invalid", *problems)
    chosen = [
        agent_id
        for agent_id, state in states.items()
        if state is AgentState.ACTIVE and (wanted is None or agent_id in wanted)
    ]
    if not chosen:
        raise ConflictError("run.no_active_agent")
    return chosen


def _target(row: RunTarget, repository_id: UUID, repository_name: str, locale: Locale) -> RunTargetOut:
    return RunTargetOut(
        restic_repository_id=row.restic_repository_id,
        repository_id=repository_id,
        repository_name=repository_name,
        state=row.state,
        restic_snapshot_id=row.restic_snapshot_id,
        error=reason(row, locale),
        result=row.result,
    )


def _attempt(row: RunAttempt, locale: Locale) -> RunAttemptOut:
    return RunAttemptOut(
        restic_repository_id=row.restic_repository_id,
        attempt=row.attempt,
        result=row.result,
        error=reason(row, locale),
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
