"""What is true behind the page: rows of the database, Temporal's schedules."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import UUID

from temporalio.client import Client, ScheduleDescription
from temporalio.service import RPCError, RPCStatusCode

from sbs_server.schedules.service import schedule_id
from tests.harness import witness
from tests.harness.installation import Installation

T = TypeVar("T")


def rows(installation: Installation, query: str, **values: Any) -> list[dict[str, Any]]:
    """As `witness.rows`, while Playwright has this thread's event loop."""
    return _elsewhere(lambda: witness.rows(installation, query, **values))


def schedule(installation: Installation, job_id: str) -> ScheduleDescription | None:
    """Temporal's schedule of the job; None: it has none."""

    async def ask() -> ScheduleDescription | None:
        server = installation.services.settings.temporal
        client = await Client.connect(server.address, namespace=server.namespace)
        try:
            return await client.get_schedule_handle(schedule_id(UUID(job_id))).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise

    return _elsewhere(lambda: asyncio.run(ask()))


def _elsewhere(ask: Callable[[], T]) -> T:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(ask).result()
