"""PostgreSQL's superuser, for tests: to fill tables, to look past every policy, to make databases of a test's own.

A conftest.py imports the fixtures by name; they need the plugin `sbs_server.testing.database`.
"""

import contextlib
from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from sbs_server.config import DatabaseRole, Settings
from sbs_server.kit.db import migrate
from sbs_server.kit.db.cluster import STATEMENTS
from sbs_server.kit.ids import new_id
from sbs_server.migrations import scripts

_OTHERS = "sbs_app, sbs_system, sbs_migrator"


@contextlib.asynccontextmanager
async def engine_of(
    settings: Settings, role: DatabaseRole = "postgres", *, name: str | None = None
) -> AsyncIterator[AsyncEngine]:
    """An engine without a pool."""
    engine = create_async_engine(settings.database.url(role, name=name), poolclass=NullPool)
    try:
        yield engine
    finally:
        await engine.dispose()


@contextlib.asynccontextmanager
async def own_database(settings: Settings, purpose: str) -> AsyncIterator[Settings]:
    """The settings with an empty database of their own, prepared as the embedded mode does it; dropped at the end."""
    name = f"{purpose}_{new_id().hex}"
    async with engine_of(settings, name="postgres") as cluster:
        outside = cluster.execution_options(isolation_level="AUTOCOMMIT")
        async with outside.connect() as connection:
            await connection.execute(text(f'CREATE DATABASE "{name}" OWNER sbs_owner'))
            await connection.execute(text(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC'))
            await connection.execute(text(f'GRANT CONNECT ON DATABASE "{name}" TO {_OTHERS}'))
        try:
            async with engine_of(settings, name=name) as own, own.begin() as connection:
                for statement in STATEMENTS:
                    await connection.execute(text(statement))
            database = settings.database.model_copy(update={"name": name})
            yield settings.model_copy(update={"database": database})
        finally:
            async with outside.connect() as connection:
                await connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


async def upgrade(settings: Settings, revision: str = "head") -> None:
    """The migrations, as the owner of the tables."""
    with scripts() as folder:
        await migrate.upgrade(settings.database.url("sbs_owner"), folder, revision)


async def downgrade(settings: Settings, revision: str) -> None:
    with scripts() as folder:
        await migrate.downgrade(settings.database.url("sbs_owner"), folder, revision)


@pytest_asyncio.fixture
async def superuser(migrated: Settings) -> AsyncIterator[AsyncConnection]:
    """A superuser's connection in a transaction that is rolled back at the end."""
    async with engine_of(migrated) as engine, engine.connect() as connection:
        yield connection
        await connection.rollback()
