"""What these tests start from."""

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncConnection

from sbs_server.config import Settings
from sbs_server.testing.archive import archive
from sbs_server.testing.rows import fill
from sbs_server.testing.superuser import engine_of, superuser
from tests.isolation.probe import Two

__all__ = ["archive", "superuser"]


@pytest_asyncio.fixture(scope="session")
async def two(migrated: Settings) -> Two:
    """For real: every connection sees them. Tests undo what they change."""
    async with engine_of(migrated) as engine, engine.begin() as connection:
        return Two(await fill(connection), await fill(connection))


@pytest_asyncio.fixture
async def app(migrated: Settings) -> AsyncIterator[AsyncConnection]:
    """Signed in as `sbs_app`, in a transaction that is rolled back."""
    async with engine_of(migrated, "sbs_app") as engine, engine.connect() as connection:
        yield connection
        await connection.rollback()
