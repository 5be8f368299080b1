"""What somebody in one organization can do to the rows of another, table by table, as a role of the database.

`leaks` says all that is wrong: what reaches over the border, and what does not work inside of it, because a check
that finds nothing where there is nothing to find proves nothing.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from sbs_server.kit.db.base import Model
from sbs_server.kit.db.failures import sqlstate
from sbs_server.testing.rows import Filled, new_row, owner_column

Role = Literal["sbs_app", "sbs_owner"]
DENIED = "42501"
# In the way of one's own act are other rows, not the policies: those are asked first.
REFERRED_TO, THERE_ALREADY = "23503", "23505"

TENANT_TABLES = tuple(
    table
    for table in Model.metadata.sorted_tables
    if "organization_id" in table.columns and table.name != "outbox"
)
# Has an `id` for an organization; nobody deletes one.
ORGANIZATION = Model.metadata.tables["organization"]


@dataclass(frozen=True, slots=True)
class Two:
    """The organization whose things are looked for, and the one that looks."""

    a: Filled
    b: Filled


class Probe:
    """Looks through one connection, whose user is `role` or may become it. Leaves nothing behind."""

    def __init__(self, connection: AsyncConnection, role: Role = "sbs_app") -> None:
        self._connection = connection
        self._role = role

    async def leaks(self, table: sa.Table, mine: Filled, theirs: Filled) -> list[str]:
        """What is wrong with `table`; empty: nothing."""
        key = owner_column(table)
        assert key is not None, f"{table.name} has no column that says whose a row is"
        found = [
            *await self._nothing_without_organization(table),
            *await self._nothing_of_theirs(table, key, mine, theirs),
            *await self._own_rows(table, key, theirs),
        ]
        return [f"{table.name}: {problem}" for problem in found]

    async def _nothing_without_organization(self, table: sa.Table) -> list[str]:
        found = []
        for setting in (None, ""):
            seen = await self._try(setting, sa.select(sa.func.count()).select_from(table))
            if seen != 0:
                found.append(f"without an organization (setting {setting!r}) a SELECT gives {seen}")
        return found

    async def _nothing_of_theirs(self, table: sa.Table, key: str, mine: Filled, theirs: Filled) -> list[str]:
        owner, own, other = table.columns[key], mine.organization_id, theirs.organization_id
        fresh = new_row(table, other, theirs.rows)
        acts: Sequence[tuple[str, sa.Executable, object]] = [
            ("SELECT of theirs", sa.select(sa.func.count()).select_from(table).where(owner == other), 0),
            ("SELECT of all", sa.select(sa.func.count()).select_from(table).where(owner != own), 0),
            ("UPDATE of theirs", sa.update(table).where(owner == other).values({key: owner}), 0),
            ("UPDATE of all", sa.update(table).where(owner != own).values({key: owner}), 0),
            ("INSERT for them", sa.insert(table).values(**fresh).inline(), DENIED),
            ("UPDATE of ours into theirs", sa.update(table).where(owner == own).values({key: other}), DENIED),
        ]
        if table is not ORGANIZATION:
            acts = [*acts, ("DELETE of theirs", sa.delete(table).where(owner == other), 0)]
        results = [(name, await self._try(own, act), wanted) for name, act, wanted in acts]
        return [
            f"{name} gives {result}, not {wanted}" for name, result, wanted in results if result != wanted
        ]

    async def _own_rows(self, table: sa.Table, key: str, owner: Filled) -> list[str]:
        """The same acts by whom the rows belong to."""
        column, own = table.columns[key], owner.organization_id
        acts: Sequence[tuple[str, sa.Executable, Collection[object]]] = [
            ("SELECT", sa.select(sa.func.count() > 0).select_from(table).where(column == own), {True}),
            ("UPDATE", sa.update(table).where(column == own).values({key: column}), range(1, 1000)),
            (
                "INSERT",
                sa.insert(table).values(**new_row(table, own, owner.rows)).inline(),
                {1, THERE_ALREADY},
            ),
        ]
        if table is not ORGANIZATION:
            acts = [*acts, ("DELETE", sa.delete(table).where(column == own), {*range(1, 1000), REFERRED_TO})]
        results = [(name, await self._try(own, act), wanted) for name, act, wanted in acts]
        return [
            f"the owner's own {name} gives {result}"
            for name, result, wanted in results
            if result not in wanted
        ]

    async def _try(self, organization: UUID | str | None, act: sa.Executable) -> Any:
        """What a statement gives in an organization's transaction: a number, or PostgreSQL's code of an error."""
        async with self._inside(organization):
            try:
                result = await self._connection.execute(act)
            except DBAPIError as error:
                return sqlstate(error)
            return result.scalar_one() if result.returns_rows else result.rowcount

    @asynccontextmanager
    async def _inside(self, organization: UUID | str | None) -> AsyncIterator[None]:
        savepoint = await self._connection.begin_nested()
        try:
            await self._connection.execute(text(f"SET LOCAL ROLE {self._role}"))
            if organization is not None:
                await enter(self._connection, organization)
            yield
        finally:
            await savepoint.rollback()


async def enter(connection: AsyncConnection, organization: UUID | str, user: UUID | str = "") -> None:
    """As `kit.db.session` tells a transaction its tenant."""
    await connection.execute(
        text(
            "SELECT set_config('sbs.organization_id', :organization, true), set_config('sbs.user_id', :user, true)"
        ),
        {"organization": str(organization), "user": str(user)},
    )


async def attempt(connection: AsyncConnection, statement: str, **parameters: object) -> object:
    """The first column of the first row, the number of rows changed, or PostgreSQL's code of an error; undone."""
    savepoint = await connection.begin_nested()
    try:
        result = await connection.execute(text(statement), parameters)
        return result.scalar() if result.returns_rows else result.rowcount
    except DBAPIError as error:
        return sqlstate(error)
    finally:
        await savepoint.rollback()
