"""Migrations up and down on a real database with data in every table."""

import ast
import inspect
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import text

import sbs_server.migrations
from sbs_server.config import Settings
from sbs_server.kit.db import migrate
from sbs_server.kit.db.base import Model
from sbs_server.migrations import scripts
from sbs_server.testing.description import Rows, columns, contents, narrowed, security
from sbs_server.testing.rows import fill
from sbs_server.testing.services import PlatformServices
from sbs_server.testing.superuser import downgrade, engine_of, own_database, upgrade

SCRIPTS = Path(inspect.getfile(sbs_server.migrations)).parent
REVISIONS: list[Script] = list(ScriptDirectory(str(SCRIPTS)).walk_revisions())  # newest first
TWO = 2


@pytest_asyncio.fixture
async def database(platform_services: PlatformServices) -> AsyncIterator[Settings]:
    """A database of the test's own, at the newest revision."""
    async with own_database(platform_services.settings, "migrations") as settings:
        await upgrade(settings)
        yield settings


async def filled(settings: Settings) -> Rows:
    """Puts rows of two organizations into every table; what is there then."""
    async with engine_of(settings) as engine, engine.begin() as connection:
        for _ in range(TWO):
            await fill(connection)
        found = await contents(connection)
    empty = {table.name for table in Model.metadata.sorted_tables if len(found[table.name]) < TWO}
    assert not empty, "the filler left these tables without rows"
    return found


async def test_each_migration_goes_down_and_up_again_with_data_in_the_tables(database: Settings) -> None:
    async with engine_of(database) as engine, engine.connect() as connection:
        protected = await security(connection)
    for script in REVISIONS:
        before = await filled(database)
        await downgrade(database, script.down_revision or "base")  # type: ignore[arg-type]  # a name
        async with engine_of(database) as engine, engine.connect() as connection:
            below = await columns(connection)
            assert await contents(connection) == narrowed(before, below), f"down from {script.revision}"
        await upgrade(database)
        async with engine_of(database) as engine, engine.connect() as connection:
            after = await contents(connection)
            assert narrowed(after, below) == narrowed(before, below), f"up again over {script.revision}"
            assert await security(connection) == protected, f"up again over {script.revision}"
    # The loop ended above the first revision: all tables were new, and take rows again.
    assert not any(after.values())
    await filled(database)


async def test_base_is_an_empty_database(database: Settings) -> None:
    await filled(database)
    await downgrade(database, "base")
    async with engine_of(database) as engine, engine.connect() as connection:
        assert await columns(connection) == {}
        left = await security(connection)
    ours = {name: [line for line in lines if "alembic_version" not in line] for name, lines in left.items()}
    assert not any(ours.values()), ours


async def test_models_and_database_agree_and_a_difference_would_be_found(database: Settings) -> None:
    with scripts() as folder:
        await migrate.check(database.database.url("sbs_owner"), folder)
        async with engine_of(database, "sbs_owner") as engine, engine.begin() as connection:
            await connection.execute(text("ALTER TABLE job ADD COLUMN nobody_knows text"))
        with pytest.raises(CommandError, match="New upgrade operations detected"):
            await migrate.check(database.database.url("sbs_owner"), folder)


OUTSIDE = "with op.get_context().autocommit_block():"


def first_acts(path: Path) -> dict[str, str]:
    """The first statement of `upgrade` and `downgrade` that is in a transaction, after their docstrings."""
    acts = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name in {"upgrade", "downgrade"}:
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            acts[node.name] = next(act for act in map(ast.unparse, body) if not act.startswith(OUTSIDE))
    return acts


@pytest.mark.parametrize("path", sorted((SCRIPTS / "versions").glob("*.py")), ids=lambda path: path.stem)
def test_migration_waits_for_locks_only_a_moment(path: Path) -> None:
    acts = first_acts(path)
    assert set(acts) == {"upgrade", "downgrade"}
    for name, act in acts.items():
        # Behind a statement that waits for its lock, all others of the table wait too.
        assert act.startswith("op.execute(\"SET LOCAL lock_timeout = '"), f"{name} begins with {act}"


@pytest.mark.parametrize("path", sorted((SCRIPTS / "versions").glob("*.py")), ids=lambda path: path.stem)
def test_outside_of_transactions_indexes_are_made_without_keeping_anybody_from_writing(path: Path) -> None:
    source = path.read_text()
    assert OUTSIDE not in source or not re.search(r"(CREATE|DROP) INDEX (?!CONCURRENTLY)", source)
