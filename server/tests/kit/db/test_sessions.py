"""The tenant of a transaction ends with it."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.config import Settings
from sbs_server.kit.db.session import Database
from sbs_server.kit.ids import new_id
from sbs_server.models import Organization

LOOK = text(
    "SELECT pg_backend_pid(), coalesce(current_setting('sbs.organization_id', true), ''),"
    " coalesce(current_setting('sbs.user_id', true), ''), (SELECT count(*) FROM organization)"
)


@pytest_asyncio.fixture
async def single(migrated: Settings) -> AsyncIterator[Database]:
    """A pool of one connection: whoever comes next gets the one of before."""
    database = Database(migrated.database.url("sbs_app"), pool_size=1, application_name="tests single")
    yield database
    await database.close()


async def organization(database: Database) -> UUID:
    made = new_id()
    async with database.transaction(made) as session:
        session.add(Organization(id=made, name=f"organization {made.hex}"))
    return made


async def look(session: AsyncSession) -> tuple[int, str, str, int]:
    pid, organization_id, user_id, seen = (await session.execute(LOOK)).one()
    return pid, organization_id, user_id, seen


async def fail(session: AsyncSession) -> None:
    await session.execute(text("SELECT 1 / 0"))


async def give_up(_: AsyncSession) -> None:
    raise ValueError("the caller gave up")


async def be_cancelled(_: AsyncSession) -> None:
    raise asyncio.CancelledError


async def end_well(_: AsyncSession) -> None:
    pass


@pytest.mark.parametrize(
    ("act", "error"),
    [(end_well, None), (fail, DBAPIError), (give_up, ValueError), (be_cancelled, asyncio.CancelledError)],
)
async def test_the_next_one_on_the_connection_has_no_tenant(
    single: Database, act: object, error: type[BaseException] | None
) -> None:
    assert callable(act)
    own, user = await organization(single), new_id()
    try:
        async with single.transaction(own, user_id=user) as session:
            first = await look(session)
            await act(session)
    except BaseException as raised:  # a cancellation is one of the cases
        if error is None or not isinstance(raised, error):
            raise
    else:
        assert error is None
    assert first[1:] == (str(own), str(user), 1)
    async with single.transaction() as session:
        assert await look(session) == (first[0], "", "", 0)


async def test_a_transaction_begun_anew_in_a_session_has_its_tenant_again(single: Database) -> None:
    own = await organization(single)
    async with single.transaction(own) as session:
        savepoint = await session.begin_nested()
        await savepoint.rollback()
        assert (await look(session))[1:] == (str(own), "", 1)
