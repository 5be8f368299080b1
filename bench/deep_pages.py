"""A page from the middle of the runs, by cursor as the API does it and by OFFSET as it is often done; SQL alone."""

import statistics
import time
from uuid import UUID

import asyncpg

from bench.rounds import Say

CURSOR, OFFSET = "by cursor", "by OFFSET"
_MIDDLE = "SELECT created_at, id FROM run ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET $1"
_LIST = """
SELECT r.*, a.name, j.name FROM run r JOIN agent a ON a.id = r.agent_id LEFT JOIN job j ON j.id = r.job_id
{where} ORDER BY r.created_at DESC, r.id DESC LIMIT 51 {offset}
"""


class DeepPages:
    """Asks as the application's role, kept inside the organization by row-level security as every request is."""

    def __init__(self, connection: asyncpg.Connection, organization: UUID) -> None:
        self._connection = connection
        self._organization = organization

    async def measure(self, runs: int, rounds: int, say: Say) -> dict[str, list[float]]:
        """Seconds of each way in each round; `runs` is how many the organization has."""
        # The setting is the session's here: one connection, one organization.
        await self._connection.execute(
            "SELECT set_config('sbs.organization_id', $1, false)", str(self._organization)
        )
        at, last = await self._connection.fetchrow(_MIDDLE, runs // 2)
        found: dict[str, list[float]] = {CURSOR: [], OFFSET: []}
        by_cursor = _LIST.format(where="WHERE (r.created_at, r.id) < ($1, $2)", offset="")
        by_offset = _LIST.format(where="", offset="OFFSET $1")
        for number in range(-1, rounds):
            ways = [(CURSOR, by_cursor, (at, last)), (OFFSET, by_offset, (runs // 2 + 1,))]
            for name, query, values in ways[:: 1 if number % 2 else -1]:
                started = time.perf_counter()
                await self._connection.fetch(query, *values)
                if number >= 0:
                    found[name].append(time.perf_counter() - started)
        say(
            "  SQL of a page in the middle: "
            + ", ".join(f"{name} {statistics.median(times) * 1000:.2f} ms" for name, times in found.items())
        )
        return found
