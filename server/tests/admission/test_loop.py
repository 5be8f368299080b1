"""The loop that grants: woken by what happens, and asleep while nothing does."""

import asyncio

import pytest
from sqlalchemy import text

from sbs_server.admission.dispatcher import Dispatcher
from sbs_server.admission.loop import AdmissionLoop
from sbs_server.config import Settings
from sbs_server.kit.db.session import Database


class _Counting(Dispatcher):
    def __init__(self, system: Database) -> None:
        super().__init__(system)
        self.rounds = 0

    async def grant(self) -> int:
        self.rounds += 1
        return await super().grant()


class _NoReaper:
    async def sweep(self) -> int:
        return 0


@pytest.fixture
async def counting(system_database: Database) -> _Counting:
    return _Counting(system_database)


async def test_a_round_that_grants_nothing_does_not_wake_the_next(
    migrated: Settings, counting: _Counting, system_database: Database
) -> None:
    loop = AdmissionLoop(migrated.database.url("sbs_system"), counting, _NoReaper())
    running = asyncio.create_task(loop.run())
    try:
        async with asyncio.timeout(20):
            while counting.rounds < 1:
                await _look(system_database)
        # Long enough for hundreds of rounds if they woke each other; a tick comes every five seconds.
        for _ in range(200):
            await Dispatcher.grant(counting)
        assert counting.rounds < 20
    finally:
        running.cancel()


async def _look(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("SELECT 1"))
