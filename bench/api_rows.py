"""A million rows as they would have come to be in a year: organizations, agents, jobs, runs, snapshots, warnings.

They are made inside PostgreSQL as the migrator's role, which may write for every organization. Half of the runs are
the measured organization's, the rest is spread over the others. Runs are drawn at random over 400 days and their
agents; more rows later come between the ones that are there.
"""

from dataclasses import dataclass
from typing import Self
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import URL

from sbs_server.config import DatabaseRole, DatabaseSettings

_ORGANIZATION = "INSERT INTO organization (id, name) VALUES ($1, $2)"
_AGENTS = """
INSERT INTO agent (organization_id, id, name, hostname, os, os_version, arch, agent_version, protocol_version,
                   restic_version, state, connected, last_seen_at)
SELECT $1, uuidv7(), 'agent-' || lpad(n::text, 6, '0'), 'host-' || n, 'linux', '12', 'x86_64', '0.1.0', 1,
       '0.18.0', 'active', n % 50 <> 0, now() - (n % 50 = 0)::int * interval '2 days'
FROM generate_series(1, $2::int) n
"""
_CERTIFICATES = """
INSERT INTO agent_certificate (organization_id, id, agent_id, serial, csr_sha256, chain_pem, not_before, not_after)
SELECT $1, uuidv7(), id, replace(gen_random_uuid()::text, '-', ''), sha256(id::text::bytea), '',
       now() - interval '1 day', now() + interval '89 days'
FROM agent WHERE organization_id = $1
"""
_JOBS = """
INSERT INTO job (organization_id, id, name, sources, cron, keep_last)
SELECT $1, uuidv7(), 'job-' || lpad(n::text, 5, '0'), '["/srv"]', '30 2 * * *', 14
FROM generate_series(1, $2::int) n
"""
_AGENTS_OF_JOBS = """
INSERT INTO job_agent (organization_id, job_id, agent_id)
SELECT $1, j.id, a.id
FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM agent WHERE organization_id = $1) a
JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS jobs
      FROM job WHERE organization_id = $1) j ON a.place % j.jobs = j.place
"""
_DATASETS = """
INSERT INTO dataset (organization_id, id, job_id, agent_id, last_state, last_error_code, last_finished_at)
SELECT $1, uuidv7(), job_id, agent_id,
       CASE WHEN dice < 0.98 THEN 'succeeded' ELSE 'failed' END,
       CASE WHEN dice < 0.98 THEN NULL ELSE 'restic_failed' END, now() - interval '1 hour'
FROM (SELECT job_id, agent_id, random() AS dice FROM job_agent WHERE organization_id = $1) drawn
"""
# States by number, not by dice: every size has some of each, and the same share.
_RUNS = """
INSERT INTO run (organization_id, id, created_at, updated_at, kind, state, trigger, job_id, agent_id, dataset_id,
                 started_at, finished_at, attempt, error_code, error_message, warnings_total)
SELECT $1, uuidv7(at - now()), at, at, 'backup', state, 'manual', d.job_id, d.agent_id, d.id,
       at + interval '1 second', at + interval '1 minute', 1,
       CASE WHEN state = 'failed' THEN 'restic_failed' END,
       CASE WHEN state = 'failed' THEN 'restic ended with 1' END,
       CASE WHEN state = 'completed_with_warnings' THEN 3 ELSE 0 END
FROM (
  SELECT at, 1 + floor(place * $3)::int AS place,
         CASE WHEN n % 50 = 1 THEN 'completed_with_warnings' WHEN n % 50 = 2 THEN 'failed'
              WHEN n % 200 = 3 THEN 'partial' WHEN n % 200 = 4 THEN 'cancelled' ELSE 'succeeded' END AS state
  FROM (SELECT n, now() - random() * interval '400 days' AS at, random() AS place
        FROM generate_series(1, $2::int) n) dice
) drawn
JOIN (SELECT *, row_number() OVER (ORDER BY id) AS place FROM dataset WHERE organization_id = $1) d USING (place)
ORDER BY at
"""
_SNAPSHOTS = """
INSERT INTO snapshot (organization_id, id, created_at, updated_at, dataset_id, agent_id, run_id, taken_at, hostname,
                      paths, files, size_bytes, added_bytes, complete, forgotten_at)
SELECT organization_id, id, created_at, created_at, dataset_id, agent_id, id, started_at, 'host', '["/srv"]',
       1000, 1000000000, 1000000, state = 'succeeded',
       CASE WHEN created_at < now() - interval '100 days' THEN now() END
FROM run r
WHERE organization_id = $1 AND state IN ('succeeded', 'completed_with_warnings')
  AND NOT EXISTS (SELECT FROM snapshot s WHERE s.run_id = r.id)
ORDER BY created_at
"""
_WARNINGS = """
INSERT INTO run_warning (organization_id, id, run_id, command_id, attempt, position, path, code, message)
SELECT organization_id, uuidv7(), id, id || '.backup.0', 1, n, '/srv/data/file-' || n, 'unreadable',
       'permission denied'
FROM run r CROSS JOIN generate_series(1, 3) n
WHERE organization_id = $1 AND state = 'completed_with_warnings'
  AND NOT EXISTS (SELECT FROM run_warning w WHERE w.run_id = r.id)
"""
_MANY_WARNINGS = """
INSERT INTO run_warning (organization_id, id, run_id, command_id, attempt, position, path, code, message)
SELECT $1, uuidv7(), $2::uuid, $2::uuid || '.backup.0', 1, n, '/srv/data/folder-' || n % 100 || '/file-' || n,
       'unreadable', 'permission denied'
FROM generate_series(1000, 999 + $3::int) n
ON CONFLICT DO NOTHING
"""
_ONE_RUN = "SELECT id FROM run WHERE organization_id = $1 AND state = 'completed_with_warnings' LIMIT 1"
_TABLES = ("agent", "agent_certificate", "job", "job_agent", "dataset", "run", "snapshot", "run_warning")


@dataclass(frozen=True, slots=True)
class Roles:
    """Plain connections to the platform's database, one for each role that is needed."""

    migrator: asyncpg.Connection
    owner: asyncpg.Connection
    app: asyncpg.Connection

    @classmethod
    async def connect(cls, database: DatabaseSettings) -> Self:
        names: tuple[DatabaseRole, ...] = ("sbs_migrator", "sbs_owner", "sbs_app")
        return cls(*[await _connect(database.url(name)) for name in names])

    async def close(self) -> None:
        for connection in (self.migrator, self.owner, self.app):
            await connection.close()


async def _connect(url: URL) -> asyncpg.Connection:
    return await asyncpg.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, database=url.database
    )


@dataclass(frozen=True, slots=True)
class Share:
    """An organization, and which part of all runs is its."""

    organization: UUID
    agents: int
    jobs: int
    part: float


class Rows:
    """Fills the database of one platform, step by step."""

    def __init__(self, migrator: asyncpg.Connection, owner: asyncpg.Connection, shares: list[Share]) -> None:
        self._migrator = migrator
        self._owner = owner
        self._shares = shares
        self._runs = 0

    async def begin(self, measured: UUID) -> None:
        """Everything that does not grow with the runs. `measured` is there already; the others are made."""
        for share in self._shares:
            if share.organization != measured:
                await self._migrator.execute(_ORGANIZATION, share.organization, f"other {share.organization}")
            await self._migrator.execute(_AGENTS, share.organization, share.agents)
            await self._migrator.execute(_CERTIFICATES, share.organization)
            await self._migrator.execute(_JOBS, share.organization, share.jobs)
            await self._migrator.execute(_AGENTS_OF_JOBS, share.organization)
            await self._migrator.execute(_DATASETS, share.organization)

    async def grow(self, runs: int) -> None:
        """Until there are `runs` of them, with their snapshots and warnings; then statistics as autovacuum would."""
        for share in self._shares:
            more = round(runs * share.part) - round(self._runs * share.part)
            await self._migrator.execute(_RUNS, share.organization, more, float(share.agents))
            await self._migrator.execute(_SNAPSHOTS, share.organization)
            await self._migrator.execute(_WARNINGS, share.organization)
        self._runs = runs
        for table in _TABLES:
            await self._owner.execute(f"VACUUM (ANALYZE) {table}")

    async def run_with_warnings(self, organization: UUID, warnings: int) -> UUID:
        """A run of that organization that has so many more, from now on or since the last time."""
        run: UUID = await self._migrator.fetchval(_ONE_RUN, organization)
        await self._migrator.execute(_MANY_WARNINGS, organization, run, warnings)
        return run


def shares(measured: UUID, agents: int, organizations: int) -> list[Share]:
    """Half of the runs for the measured one, the rest evenly for the others; they have a tenth of its agents each."""
    others = [uuid4() for _ in range(organizations - 1)]
    small = max(1, agents // 10)
    return [
        Share(measured, agents, max(1, agents // 10), 0.5 if others else 1.0),
        *(Share(one, small, max(1, small // 10), 0.5 / len(others)) for one in others),
    ]
