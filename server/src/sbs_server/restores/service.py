"""Deciding about restores."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from sbs_protocol.paths import WirePath
from sbs_server.audit.service import Actor, record
from sbs_server.jobs.sources import is_windows_path
from sbs_server.kit.errors import ConflictError, ForbiddenError, NotFoundError, invalid
from sbs_server.kit.i18n import Locale
from sbs_server.kit.ids import new_id
from sbs_server.models import (
    Agent,
    AgentState,
    ResticRepositoryState,
    Restore,
    Role,
    Run,
    RunKind,
    RunTarget,
    RunTrigger,
    Snapshot,
)
from sbs_server.restores.schemas import RestoreCreate, RestoreOut
from sbs_server.runs import service as runs
from sbs_server.runs.lifecycle import start_workflow
from sbs_server.snapshots import repository as snapshots


async def create(
    session: AsyncSession, organization_id: UUID, actor: Actor, role: Role, wanted: RestoreCreate
) -> Run:
    """Writes down what is to be restored; the workflow starts when this is committed.

    Raises InvalidError on `/snapshot_id`, `/agent_id`, `/target_folder`, ForbiddenError for another agent's snapshot
    if `role` is not the administrator's, ConflictError when no copy is left.
    """
    snapshot = await session.get(Snapshot, wanted.snapshot_id)
    if snapshot is None:
        raise invalid("/snapshot_id", "restore.snapshot_unknown")
    agent = await _agent(session, wanted, snapshot, role)
    restic_repository_id = await _source(session, snapshot)
    run = Run(
        id=new_id(),
        organization_id=organization_id,
        kind=RunKind.RESTORE,
        trigger=RunTrigger.MANUAL,
        agent_id=agent.id,
        requested_by=None if actor.id is None else UUID(actor.id),
        waiting_for="start",
    )
    session.add(run)
    await session.flush()
    own = {"organization_id": organization_id, "run_id": run.id}
    details = wanted.model_dump(mode="json")
    session.add(
        Restore(
            **own,
            snapshot_id=snapshot.id,
            selection=details["selection"],
            target_folder=wanted.target_folder,
            policy=wanted.policy,
            verify=wanted.verify,
        )
    )
    session.add(RunTarget(**own, restic_repository_id=restic_repository_id))
    await session.flush()
    await start_workflow(session, run, "RestoreWorkflow")
    # A long selection belongs to the restore's row; the log says how long it was.
    details["source_agent_id"] = str(snapshot.agent_id)
    details["selection"] = {"count": len(wanted.selection), "first": details["selection"][:10]}
    target = ("run", str(run.id))
    await record(session, organization_id, actor, "restore.requested", target=target, details=details)
    return run


async def detail(session: AsyncSession, organization_id: UUID, run_id: UUID, locale: Locale) -> RestoreOut:
    """Raises NotFoundError, also for a run that is no restore."""
    found = await session.get(Restore, {"organization_id": organization_id, "run_id": run_id})
    if found is None:
        raise NotFoundError("request.not_found")
    return RestoreOut(
        run=await runs.detail(session, run_id, locale),
        snapshot_id=found.snapshot_id,
        selection=[WirePath.model_validate(path) for path in found.selection],
        target_folder=found.target_folder,
        policy=found.policy,
        verify=found.verify,
    )


async def _agent(session: AsyncSession, wanted: RestoreCreate, snapshot: Snapshot, role: Role) -> Agent:
    agent = await session.get(Agent, wanted.agent_id)
    if agent is None:
        raise invalid("/agent_id", "restore.agent_unknown")
    if agent.state is not AgentState.ACTIVE:
        raise invalid("/agent_id", "restore.agent_revoked")
    if agent.id != snapshot.agent_id:
        # Each agent has restic repositories of its own; to have another's read is nothing to come about by mistake.
        if not wanted.from_other_agent:
            raise invalid("/agent_id", "restore.other_agent")
        if role is not Role.ORG_ADMIN:
            raise ForbiddenError("restore.other_agent_forbidden")
    if is_windows_path(wanted.target_folder) != (agent.os == "windows"):
        raise invalid("/target_folder", "restore.target_other_os", os=agent.os)
    return agent


async def _source(session: AsyncSession, snapshot: Snapshot) -> UUID:
    """The restic repository to restore from."""
    for copy, below, _ in await snapshots.copies(session, snapshot.id):
        present = snapshots.is_present(copy, below) and below.state is ResticRepositoryState.READY
        if present and below.agent_id == snapshot.agent_id:
            return below.id
    raise ConflictError("restore.no_copy")
