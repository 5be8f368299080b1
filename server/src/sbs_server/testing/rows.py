"""Rows for every table, made from what the tables say about themselves: whoever adds a table need not add rows.

`await fill(connection)` makes an organization with one row in each table, each pointing at the others. Values that
nobody asked for are unlike any other, so that they can be looked for elsewhere.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

import sbs_server.models  # noqa: F401 - importing it registers the tables
from sbs_server.kit.db.base import Model
from sbs_server.kit.ids import new_id

Row = dict[str, Any]
Given = Mapping[str, Mapping[str, Any]]
"""Values to use instead of made ones: table, column, value."""

OWNER_COLUMNS = ("organization_id", "chain")
"""Columns that say which organization a row belongs to. Of the organization's own row it is `id`."""
_AUDIT = ("audit_chain", "audit_entry")
_ENDS = {"expires_at", "not_after"}
_VALID = timedelta(days=1)
_ABSOLUTE = {"path", "target_folder"}
_APPEND = sa.text(
    "SELECT audit_append(:organization, 'system', 'filler', NULL, 'row.filled', NULL, NULL, 'done',"
    " CAST('{}' AS jsonb))"
)


@dataclass(frozen=True, slots=True)
class Filled:
    """What was written for one organization: the row of each table."""

    organization_id: UUID
    rows: Mapping[str, Row]

    def marks(self) -> set[str]:
        """Texts and ids that occur in these rows and, by chance, nowhere else."""
        values = [value for row in self.rows.values() for value in row.values()]
        ids = {str(value) for value in values if isinstance(value, UUID)}
        texts = {value for value in values if isinstance(value, str) and len(value) > 32}
        return ids | {UUID(one).hex for one in ids} | texts


def owner_column(table: sa.Table) -> str | None:
    """The column that holds the organization; None: the table has none."""
    if table.name == "organization":
        return "id"
    return next((name for name in OWNER_COLUMNS if name in table.columns), None)


async def fill(
    connection: AsyncConnection | AsyncSession,
    organization_id: UUID | None = None,
    *,
    only: Collection[str] | None = None,
    given: Given | None = None,
) -> Filled:
    """One row in each table, or in those of `only` and what they point at. An organization may be there already.

    The connection's role must be allowed to write everywhere: a superuser's, or `sbs_app` in the organization's
    transaction with an `only` that leaves out what it may not write.
    """
    owner = organization_id or new_id()
    rows: dict[str, Row] = {}
    for table in _with_parents(only) if only is not None else _all_tables():
        if table.name in _AUDIT:
            continue
        rows[table.name] = new_row(table, owner, rows, (given or {}).get(table.name, {}))
        statement = insert(table).values(**rows[table.name])
        if table.name == "organization":
            statement = statement.on_conflict_do_nothing()
        await connection.execute(statement.inline())
    if only is None:
        for name in _AUDIT:
            rows[name] = {"chain": owner}
            await connection.execute(_APPEND, {"organization": owner})
    return Filled(owner, rows)


def new_row(
    table: sa.Table, organization_id: UUID, parents: Mapping[str, Row], given: Mapping[str, Any] | None = None
) -> Row:
    """A row for `table` that points at those of `parents`; nothing is written."""
    row: Row = {name: organization_id for name in OWNER_COLUMNS if name in table.columns}
    if table.name == "organization":
        row["id"] = organization_id
    for constraint in table.foreign_key_constraints:
        for element in constraint.elements:
            parent = parents.get(element.column.table.name)
            if parent is not None:
                row[element.parent.name] = parent[element.column.name]
    if "user_id" in table.columns and "user_account" in parents:
        row.setdefault("user_id", parents["user_account"]["id"])
    for column in table.columns:
        if column.name not in row and _is_needed(column):
            row[column.name] = _value(column)
    return row | dict(given or {})


def _is_needed(column: sa.Column[Any]) -> bool:
    if column.primary_key:
        return True
    return not column.nullable and column.default is None and column.server_default is None


def _value(column: sa.Column[Any]) -> object:
    kind = column.type
    if isinstance(kind, sa.Enum):  # first: it is a text too
        return kind.enums[0]
    if isinstance(kind, JSONB):
        return _json(column)
    for types, value in (
        ((sa.Uuid,), new_id()),
        ((sa.Boolean,), False),
        ((sa.Integer,), 1),
        ((sa.DateTime,), datetime.now(UTC) + (_VALID if column.name in _ENDS else timedelta())),
        ((sa.LargeBinary,), new_id().bytes + new_id().bytes),
        ((sa.String,), f"{'/' if column.name in _ABSOLUTE else ''}{column.name}-{new_id().hex}"),
    ):
        if isinstance(kind, types):
            return value
    raise NotImplementedError(
        f"{column}: sbs_server.testing.rows can't make a value of the type {kind!r}: teach it in _value()"
    )


def _json(column: sa.Column[Any]) -> object:
    """Of the kind that the model declares: the column itself would take any."""
    model = next(one.class_ for one in Model.registry.mappers if one.local_table is column.table)
    declared = get_args(get_type_hints(model)[column.name])[0]
    if get_origin(declared) is not list:
        return {}
    return [f"/{column.name}/{new_id().hex}"] if get_args(declared) == (str,) else []


def _all_tables() -> Sequence[sa.Table]:
    """Parents first; people before all, because not everything that names them has a foreign key."""
    return sorted(Model.metadata.sorted_tables, key=lambda table: table.name != "user_account")


def _with_parents(names: Collection[str]) -> Sequence[sa.Table]:
    def ancestors(name: str) -> Iterator[str]:
        yield name
        for constraint in Model.metadata.tables[name].foreign_key_constraints:
            parent = constraint.referred_table.name
            if parent != name:
                yield from ancestors(parent)

    wanted = {ancestor for name in names for ancestor in ancestors(name)}
    return [table for table in Model.metadata.sorted_tables if table.name in wanted]
