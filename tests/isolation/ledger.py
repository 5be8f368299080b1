"""All that an organization has in the database, so that two looks can be compared."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from sbs_server.kit.db.base import Model
from sbs_server.testing.rows import owner_column

_MEMBERS = "(SELECT user_id FROM membership WHERE organization_id = :organization)"
# Whose a row is, where no column names the organization.
_OWNED = {
    "user_account": f"id IN {_MEMBERS}",
    "idempotency_key": f"user_id IN {_MEMBERS}",
    # An effect that somebody else's act has on this organization would be written under another name, or none.
    "outbox": "organization_id IS DISTINCT FROM :other",
}


async def contents(
    connection: AsyncConnection, organization: UUID, *, other: UUID
) -> Mapping[str, tuple[int, str]]:
    """Number and digest of the rows of each table; `other` is who must not have changed any."""
    query = " UNION ALL ".join(
        f"SELECT '{table}', count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')"
        f" FROM {table} t WHERE {condition}"
        for table, condition in _conditions().items()
    )
    rows = await connection.execute(text(query), {"organization": organization, "other": other})
    return {table: (count, digest) for table, count, digest in rows}


def _conditions() -> dict[str, str]:
    found = {}
    for table in Model.metadata.sorted_tables:
        owner = owner_column(table)
        condition = _OWNED.get(table.name) or (owner and f"{owner} = :organization")
        assert condition, f"{table.name}: say in tests/isolation/ledger.py (_OWNED) whose its rows are"
        found[table.name] = condition
    return found
