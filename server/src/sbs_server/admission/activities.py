"""Asking for a ticket and giving it back."""

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity

from sbs_server.admission.dispatcher import Dispatcher
from sbs_server.admission.types import TicketRef, TicketRequest
from sbs_server.kit.db.session import Database
from sbs_server.kit.ids import new_id
from sbs_server.models import AdmissionClaim, AdmissionTicket, ClaimMode, TicketState


class AdmissionActivities:
    def __init__(self, database: Database, dispatcher: Dispatcher) -> None:
        self._database = database
        self._dispatcher = dispatcher

    @activity.defn(name="admission.request")
    async def request(self, request: TicketRequest) -> bool:
        """Queues the ticket (once), tries to grant at once, and says whether it is granted."""
        organization_id = UUID(hex=request.organization_id)
        async with self._database.transaction(organization_id) as session:
            await _queue(session, request, activity.info().workflow_id or "")
        await self._dispatcher.grant()
        async with self._database.transaction(organization_id) as session:
            return await _state(session, request) == TicketState.GRANTED

    @activity.defn(name="admission.release")
    async def release(self, ref: TicketRef) -> None:
        """Releases the ticket if there is one that is not released yet, and lets the next one in."""
        async with self._database.transaction(UUID(hex=ref.organization_id)) as session:
            await session.execute(
                update(AdmissionTicket)
                .where(
                    AdmissionTicket.run_id == UUID(hex=ref.run_id),
                    AdmissionTicket.purpose == ref.purpose,
                    AdmissionTicket.state != TicketState.RELEASED,
                )
                .values(state=TicketState.RELEASED, released_at=func.now(), release_reason="done")
            )
        await self._dispatcher.grant()


async def _queue(session: AsyncSession, request: TicketRequest, workflow_id: str) -> None:
    organization_id, ticket_id = UUID(hex=request.organization_id), new_id()
    asked = insert(AdmissionTicket).values(
        id=ticket_id,
        organization_id=organization_id,
        run_id=UUID(hex=request.run_id),
        purpose=request.purpose,
        workflow_id=workflow_id,
        state=TicketState.WAITING,
        enqueued_at=func.clock_timestamp(),
    )
    fresh = await session.scalar(
        asked.on_conflict_do_nothing(index_elements=["run_id", "purpose"]).returning(AdmissionTicket.id)
    )
    if fresh is None:
        return
    mode = ClaimMode.EXCLUSIVE if request.exclusive else ClaimMode.SHARED
    session.add_all(
        AdmissionClaim(
            organization_id=organization_id,
            ticket_id=ticket_id,
            restic_repository_id=UUID(hex=repository_id),
            mode=mode,
        )
        for repository_id in request.restic_repository_ids
    )


async def _state(session: AsyncSession, request: TicketRequest) -> TicketState:
    query = select(AdmissionTicket.state).where(
        AdmissionTicket.run_id == UUID(hex=request.run_id), AdmissionTicket.purpose == request.purpose
    )
    return (await session.scalars(query)).one()
