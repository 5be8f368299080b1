"""Runs the migrations over an asyncpg connection."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool


def configuration(script_location: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(script_location))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(year)d-%%(month).2d-%%(day).2d_%%(rev)s_%%(slug)s")
    return config


async def upgrade(url: URL, script_location: Path, revision: str = "head") -> None:
    """Brings the database up to `revision`. `url` signs in as the owner of the tables."""
    await _run(url, script_location, lambda config: command.upgrade(config, revision))


async def downgrade(url: URL, script_location: Path, revision: str) -> None:
    await _run(url, script_location, lambda config: command.downgrade(config, revision))


async def check(url: URL, script_location: Path) -> None:
    """Raises alembic's `CommandError` when the models and the database differ."""
    await _run(url, script_location, command.check)


async def _run(url: URL, script_location: Path, act: Callable[[Config], None]) -> None:
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_with_connection, configuration(script_location), act)
            await connection.commit()
    finally:
        await engine.dispose()


def _with_connection(connection: Connection, config: Config, act: Callable[[Config], None]) -> None:
    config.attributes["connection"] = connection
    act(config)
