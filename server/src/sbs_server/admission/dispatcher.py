"""Grants tickets: first in, first out, each restic repository shared by many or exclusive to one.

One statement under one advisory lock decides for all waiting tickets. A ticket is granted when none of its
claims stands against a granted ticket, or against one that has waited longer: so an exclusive claim is not
starved by shared ones that keep coming. All claims of a ticket are granted together, or none.
"""

from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.kit.db.session import Database
from sbs_server.messaging import outbox
from sbs_server.models import OutboxKind

log = structlog.get_logger()

# Any number will do, as long as nothing else in this database uses it.
_LOCK = text("SELECT pg_advisory_xact_lock(7254001)")

_GRANT = text(
    """
    WITH live AS (
      SELECT t.id, t.state, t.enqueued_at, c.restic_repository_id, c.mode
      FROM admission_ticket t JOIN admission_claim c ON c.ticket_id = t.id
      WHERE t.state <> 'released'
    ), blocked AS (
      SELECT DISTINCT mine.id FROM live mine JOIN live other
        ON other.restic_repository_id = mine.restic_repository_id AND other.id <> mine.id
       AND (mine.mode = 'exclusive' OR other.mode = 'exclusive')
       AND (other.state = 'granted' OR (other.enqueued_at, other.id) < (mine.enqueued_at, mine.id))
      WHERE mine.state = 'waiting'
    )
    UPDATE admission_ticket t SET state = 'granted', granted_at = clock_timestamp(), updated_at = now()
    WHERE t.state = 'waiting' AND NOT EXISTS (SELECT 1 FROM blocked b WHERE b.id = t.id)
    RETURNING t.organization_id, t.run_id, t.purpose, t.workflow_id
    """
)


class Dispatcher:
    """Any number may run, in any process. Works as `sbs_system`."""

    def __init__(self, system: Database) -> None:
        self._system = system

    async def grant(self) -> int:
        """Grants what can be granted now and has the workflows told. Gives back how many."""
        async with self._system.transaction() as session:
            await session.execute(_LOCK)
            granted = (await session.execute(_GRANT)).all()
            for row in granted:
                await _tell(session, row.organization_id, row.run_id.hex, row.workflow_id, row.purpose)
        return len(granted)


async def _tell(
    session: AsyncSession, organization_id: UUID, run_hex: str, workflow_id: str, purpose: str
) -> None:
    payload = {"workflow_id": workflow_id, "signal": "admitted", "input": purpose}
    await outbox.put(session, OutboxKind.WORKFLOW_SIGNAL, f"run:{run_hex}", payload, organization_id)
