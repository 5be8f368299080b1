"""A database of these tests' own: what they damage would be found damaged by others."""

from collections.abc import AsyncIterator

import pytest_asyncio

from sbs_server.config import Settings
from sbs_server.kit.db.session import Database
from sbs_server.testing.services import PlatformServices
from sbs_server.testing.superuser import own_database, upgrade


@pytest_asyncio.fixture(scope="session")
async def audited(platform_services: PlatformServices) -> AsyncIterator[Settings]:
    async with own_database(platform_services.settings, "audit") as settings:
        await upgrade(settings)
        yield settings


@pytest_asyncio.fixture(scope="session")
async def app(audited: Settings) -> AsyncIterator[Database]:
    database = Database(audited.database.url("sbs_app"), application_name="tests")
    yield database
    await database.close()
