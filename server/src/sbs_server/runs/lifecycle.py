"""How a run of any kind begins, changes, is cancelled and ends: rows first, the rest follows through the outbox."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.audit.service import Actor, record
from sbs_server.kit.errors import ConflictError
from sbs_server.messaging import outbox
from sbs_server.models import OutboxKind, Run, RunState, RunTarget
from sbs_server.runs.datasets import note_end
from sbs_server.runs.types import RunEnd


def workflow_id(run_id: UUID) -> str:
    return f"run-{run_id.hex}"


async def start_workflow(session: AsyncSession, run: Run, workflow: str) -> None:
    """Has the relay start the run's workflow, once this transaction is committed."""
    payload: dict[str, Any] = {
        "workflow": workflow,
        "workflow_id": workflow_id(run.id),
        "input": {"organization_id": run.organization_id.hex, "run_id": run.id.hex},
    }
    aggregate = f"run:{run.id.hex}"
    await outbox.put(session, OutboxKind.WORKFLOW_START, aggregate, payload, run.organization_id)
    await changed(session, run)


async def changed(session: AsyncSession, run: Run) -> None:
    """Tells everyone who looks at the run that it has changed."""
    data = {
        "run_id": run.id.hex,
        "kind": run.kind.value,
        "state": run.state.value,
        "agent_id": run.agent_id.hex,
        "job_id": None if run.job_id is None else run.job_id.hex,
    }
    await outbox.event(session, run.organization_id, f"run:{run.id.hex}", "run.changed.v1", data)


async def request_cancel(session: AsyncSession, run: Run, actor: Actor) -> None:
    """Asks the run's workflow to stop. Raises `ConflictError` when the run has ended."""
    if run.state.is_final:
        raise ConflictError("run.already_final", state=run.state.value)
    if run.cancel_requested_at is None:
        run.cancel_requested_at = await session.scalar(select(func.now()))
        payload = {"workflow_id": workflow_id(run.id), "signal": "cancel", "input": None}
        aggregate = f"run:{run.id.hex}"
        await outbox.put(session, OutboxKind.WORKFLOW_SIGNAL, aggregate, payload, run.organization_id)
        await changed(session, run)
    target = ("run", str(run.id))
    await record(session, run.organization_id, actor, "run.cancel_requested", target=target)


async def finish_run(session: AsyncSession, run: Run, end: RunEnd) -> None:
    """Sets the final state of a run of any kind, with its event and its line in the audit log."""
    run.state, run.waiting_for, run.retry_at = RunState(end.state), None, None
    run.error_code, run.error_message = end.error_code, end.error_message
    run.finished_at = func.now()
    await session.flush()
    await _end_targets(session, run, end)
    await note_end(session, run)
    await changed(session, run)
    data = {"run_id": run.id.hex, "kind": run.kind.value, "state": end.state, "error_code": end.error_code}
    await outbox.event(session, run.organization_id, f"run:{run.id.hex}", "run.finished.v1", data)
    details = {"state": end.state, "error_code": end.error_code}
    actor = Actor("system", "worker")
    await record(
        session, run.organization_id, actor, "run.finished", target=("run", str(run.id)), details=details
    )


async def _end_targets(session: AsyncSession, run: Run, end: RunEnd) -> None:
    """Targets that nothing was recorded of: the run ended before its agent did, or could not begin."""
    state = RunState.CANCELLED if end.state == RunState.CANCELLED else RunState.FAILED
    await session.execute(
        update(RunTarget)
        .where(RunTarget.run_id == run.id, RunTarget.state.in_([RunState.WAITING, RunState.RUNNING]))
        .values(state=state, error_code=end.error_code, error_message=end.error_message)
    )
