"""Takes out what nobody needs any more, in small bites."""

import asyncio

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from sbs_server.config import HistorySettings
from sbs_server.kit.db.session import Database

log = structlog.get_logger()

EVERY_S = 600.0
# Short transactions: a delete of millions of rows at once would hold locks and bloat the table.
_BITE = 5_000

_DELETIONS = {
    "outbox": "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox"
    " WHERE published_at < now() - make_interval(days => :outbox_days) LIMIT :bite)",
    "idempotency_key": "DELETE FROM idempotency_key WHERE ctid IN (SELECT ctid FROM idempotency_key"
    " WHERE created_at < now() - interval '24 hours' LIMIT :bite)",
    "handled_message": "DELETE FROM handled_message WHERE ctid IN (SELECT ctid FROM handled_message"
    " WHERE created_at < now() - make_interval(days => :messages_days) LIMIT :bite)",
}


class Sweeper:
    """As `sbs_system`."""

    def __init__(self, system: Database, settings: HistorySettings) -> None:
        self._system = system
        self._days = {"outbox_days": settings.outbox_days, "messages_days": settings.messages_days}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.sweep()
            except (SQLAlchemyError, OSError) as error:
                log.warning("sweeper_database", reason=type(error).__name__)
            await asyncio.sleep(EVERY_S)

    async def sweep(self) -> dict[str, int]:
        """Rows deleted, by table."""
        return {table: await self._all(statement) for table, statement in _DELETIONS.items()}

    async def _all(self, statement: str) -> int:
        total, values = 0, {"bite": _BITE}
        values |= {name: days for name, days in self._days.items() if f":{name}" in statement}
        while True:
            async with self._system.transaction() as session:
                # RETURNING, because a row count is not part of what every result promises.
                rows = (await session.execute(text(f"{statement} RETURNING 1"), values)).all()
            total += len(rows)
            if len(rows) < _BITE:
                return total
