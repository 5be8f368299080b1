"""Counting what an organization has. Row-level security keeps the queries inside the transaction's organization."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.models import RunState
from sbs_server.overview.rules import Rule
from sbs_server.overview.schemas import AgentCounts, JobCounts

DAYS = 14
_AGENTS = text(
    """
    SELECT count(*) FILTER (WHERE state = 'active') AS active,
           count(*) FILTER (WHERE state = 'active' AND connected) AS connected,
           count(*) FILTER (WHERE state = 'active' AND NOT connected) AS disconnected,
           count(*) FILTER (WHERE state = 'active' AND NOT connected AND last_seen_at IS NULL) AS never_connected,
           count(*) FILTER (WHERE state = 'revoked') AS revoked
    FROM agent
    """
)
_JOBS = text(
    """
    SELECT count(*) AS total, count(*) FILTER (WHERE cron IS NOT NULL AND NOT paused) AS scheduled,
           count(*) FILTER (WHERE paused) AS paused
    FROM job WHERE deleted_at IS NULL
    """
)
_SNAPSHOTS = text("SELECT count(*) FROM snapshot WHERE forgotten_at IS NULL")
_OPEN_RUNS = text("SELECT count(*) FROM run WHERE state IN ('waiting', 'running')")
_LAST_DAY = text(
    "SELECT state, count(*) FROM run WHERE created_at > now() - interval '24 hours' GROUP BY state"
)
# Slots of 15 minutes first (no zone's days begin within one): far fewer than runs, so that days are told for few.
_BY_DAY = text(
    """
    SELECT (slot AT TIME ZONE :zone)::date AS day, state, sum(runs)::bigint AS runs FROM (
      SELECT date_bin('15 minutes', created_at, 'epoch') AS slot, state, count(*) AS runs FROM run
      WHERE created_at >= (CAST(:first AS date))::timestamp AT TIME ZONE :zone GROUP BY 1, 2
    ) counted GROUP BY 1, 2
    """
)
_TODAY = text("SELECT now() AS now, (now() AT TIME ZONE :zone)::date AS today")


async def agents(session: AsyncSession) -> AgentCounts:
    return AgentCounts.model_validate(dict((await session.execute(_AGENTS)).mappings().one()))


async def jobs(session: AsyncSession) -> JobCounts:
    return JobCounts.model_validate(dict((await session.execute(_JOBS)).mappings().one()))


async def snapshots(session: AsyncSession) -> int:
    return int((await session.execute(_SNAPSHOTS)).scalar_one())


async def open_runs(session: AsyncSession) -> int:
    return int((await session.execute(_OPEN_RUNS)).scalar_one())


async def runs_last_24h(session: AsyncSession) -> dict[RunState, int]:
    return {RunState(row[0]): row[1] for row in await session.execute(_LAST_DAY)}


async def today(session: AsyncSession, zone: str) -> tuple[datetime, date]:
    """Now, and which day that is there; by the database's clock."""
    row = (await session.execute(_TODAY, {"zone": zone})).one()
    return row.now, row.today


async def runs_by_day(session: AsyncSession, first: date, zone: str) -> dict[date, dict[RunState, int]]:
    """Runs asked for since the beginning of that day; days without runs are left out."""
    found: dict[date, dict[RunState, int]] = {}
    for row in await session.execute(_BY_DAY, {"first": first, "zone": zone}):
        found.setdefault(row.day, {})[RunState(row.state)] = row.runs
    return found


async def matches(session: AsyncSession, rule: Rule, most: int) -> Sequence[RowMapping]:
    """The rows a rule is true of, what lasts longest first; each with `total`, how many there are altogether."""
    query = text(
        f"SELECT found.*, count(*) OVER () AS total FROM ({rule.sql}) found"  # noqa: S608 - our own words
        " ORDER BY since NULLS LAST, id LIMIT :most"
    )
    values: dict[str, Any] = {"most": most}
    return (await session.execute(query, values)).mappings().all()
