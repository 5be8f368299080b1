"""Takes out what nobody looks at any more of runs that are long over, in small bites. The audit log stays.

Never taken out: an open run and what belongs to it; the run of a snapshot that can still be restored, with its
warnings (they say which files the snapshot lacks); the run that says how a dataset stands; a run one of whose
commands may still be at work.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from sbs_server.config import HistorySettings
from sbs_server.kit.db.failures import is_passing, sqlstate
from sbs_server.kit.db.session import Database

log = structlog.get_logger()

EVERY_S = 3600.0
# Short transactions: a delete of millions of rows at once would hold locks and bloat the table.
_BITE = 2_000
# A run takes its warnings with it, which may be many.
_BITE_OF_RUNS = 100

_IS_OVER = "r.state NOT IN ('waiting', 'running')"
_MADE_NO_SNAPSHOT = "NOT EXISTS (SELECT 1 FROM snapshot s WHERE s.run_id = r.id AND s.forgotten_at IS NULL)"
_COMMANDS = f"""
    DELETE FROM command WHERE id IN (
      SELECT c.id FROM command c JOIN run r ON r.id = c.run_id
      WHERE c.state = 'finished' AND c.finished_at < now() - CAST(:age AS interval) AND {_IS_OVER}
      ORDER BY c.finished_at LIMIT :bite FOR UPDATE OF c SKIP LOCKED)
    RETURNING 1
"""  # noqa: S608 - our own words
# Ids begin with the time: only the old end of the index is read.
_WARNINGS = f"""
    DELETE FROM run_warning WHERE id IN (
      SELECT w.id FROM run_warning w JOIN run r ON r.id = w.run_id
      WHERE w.id < rpad(lpad(to_hex((extract(epoch FROM now() - CAST(:age AS interval)) * 1000)::bigint), 12, '0'),
                        32, '0')::uuid
        AND r.finished_at < now() - CAST(:age AS interval) AND {_IS_OVER} AND {_MADE_NO_SNAPSHOT}
      ORDER BY w.id LIMIT :bite FOR UPDATE OF w SKIP LOCKED)
    RETURNING 1
"""  # noqa: S608 - our own words
_RUNS = f"""
    SELECT r.id FROM run r
    WHERE r.created_at < now() - CAST(:age AS interval) AND r.finished_at < now() - CAST(:age AS interval)
      AND {_IS_OVER} AND {_MADE_NO_SNAPSHOT}
      AND NOT EXISTS (SELECT 1 FROM dataset d WHERE d.id = r.dataset_id AND d.last_run_id = r.id)
      AND NOT EXISTS (SELECT 1 FROM command c WHERE c.run_id = r.id AND c.state <> 'finished')
      AND NOT EXISTS (SELECT 1 FROM admission_ticket t WHERE t.run_id = r.id AND t.state <> 'released')
      AND NOT EXISTS (SELECT 1 FROM snapshot s JOIN restore o ON o.snapshot_id = s.id WHERE s.run_id = r.id)
    ORDER BY r.created_at LIMIT :bite FOR UPDATE OF r SKIP LOCKED
"""  # noqa: S608 - our own words
# Everything else that belongs to a run goes with it.
_WITH_RUNS = (
    "DELETE FROM snapshot_copy WHERE snapshot_id IN (SELECT id FROM snapshot WHERE run_id = ANY(:runs))",
    "DELETE FROM snapshot WHERE run_id = ANY(:runs)",
    "DELETE FROM command WHERE run_id = ANY(:runs)",
    "DELETE FROM admission_ticket WHERE run_id = ANY(:runs)",
    "DELETE FROM run WHERE id = ANY(:runs)",
)


class RunHistory:
    """`system` knows which organizations there are; `app` takes out in each of them. Any number may run."""

    def __init__(self, system: Database, app: Database, settings: HistorySettings) -> None:
        self._system = system
        self._app = app
        self._settings = settings

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                taken = await self.sweep()
                if any(taken.values()):
                    log.info("history_swept", **taken)
            except (SQLAlchemyError, OSError) as error:
                log.warning("history_waits", reason=type(error).__name__)
            await asyncio.sleep(EVERY_S)

    async def sweep(self) -> dict[str, int]:
        """Rows taken out, by table. Errors: SQLAlchemyError, OSError, if the database is away.

        An organization whose rows refuse to go is told to the log, and the others get their turn all the same.
        """
        async with self._system.transaction() as session:
            query = text("SELECT id FROM organization ORDER BY id")
            organizations = (await session.execute(query)).scalars().all()
        taken = {"command": 0, "run_warning": 0, "run": 0}
        for organization_id in organizations:
            try:
                await self._sweep_one(organization_id, taken)
            except SQLAlchemyError as error:
                if is_passing(error):
                    raise
                told = {"organization": organization_id.hex, "sqlstate": sqlstate(error)}
                log.error("history_stuck", **told)  # noqa: TRY400 - a driver's text may quote rows
        return taken

    async def _sweep_one(self, organization_id: UUID, taken: dict[str, int]) -> None:
        taken["command"] += await self._rows(organization_id, _COMMANDS, self._settings.commands_days)
        taken["run_warning"] += await self._rows(organization_id, _WARNINGS, self._settings.warnings_days)
        taken["run"] += await self._runs(organization_id)

    async def _rows(self, organization_id: UUID, statement: str, days: int) -> int:
        total, values = 0, {"age": timedelta(days=days), "bite": _BITE}
        while True:
            async with self._app.transaction(organization_id) as session:
                found = len((await session.execute(text(statement), values)).all())
            total += found
            if found < _BITE:
                return total

    async def _runs(self, organization_id: UUID) -> int:
        total, values = 0, {"age": timedelta(days=self._settings.runs_days), "bite": _BITE_OF_RUNS}
        while True:
            async with self._app.transaction(organization_id) as session:
                runs = (await session.execute(text(_RUNS), values)).scalars().all()
                for statement in _WITH_RUNS if runs else ():
                    await session.execute(text(statement), {"runs": list(runs)})
            total += len(runs)
            if len(runs) < _BITE_OF_RUNS:
                return total
