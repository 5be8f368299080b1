"""A database as it stands: what is allowed to whom in it, and what lies in it."""

import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

Rows = dict[str, list[dict[str, Any]]]

# Each gives lines of text; together they are all that protects tenants from each other.
_SECURITY = {
    "policies": "SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check FROM pg_policies"
    " WHERE schemaname = 'public'",
    "tables": "SELECT relname, relkind, relowner::regrole::text, relrowsecurity, relforcerowsecurity FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')",
    "grants": "SELECT grantor, grantee, table_name, privilege_type, is_grantable"
    " FROM information_schema.role_table_grants WHERE table_schema = 'public'",
    "column grants": "SELECT relname, attname, attacl::text FROM pg_attribute JOIN pg_class c ON c.oid = attrelid"
    " WHERE relnamespace = 'public'::regnamespace AND attacl IS NOT NULL",
    "functions": "SELECT oid::regprocedure::text, proowner::regrole::text, prosecdef, proconfig::text, prosrc"
    " FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "function grants": "SELECT p.oid::regprocedure::text, a.grantee::regrole::text, a.privilege_type"
    " FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
    " WHERE p.pronamespace = 'public'::regnamespace",
    "triggers": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace",
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
}


async def security(connection: AsyncConnection) -> dict[str, list[str]]:
    """Policies, grants, owners, functions, triggers, constraints, indexes."""
    found = {}
    for name, query in _SECURITY.items():
        rows = await connection.execute(text(query))
        found[name] = sorted(" | ".join(map(str, row)) for row in rows)
    return found


async def columns(connection: AsyncConnection) -> dict[str, list[str]]:
    """The columns of each table of ours."""
    query = (
        "SELECT c.relname, array_agg(a.attname::text) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0"
        " AND NOT a.attisdropped AND c.relname <> 'alembic_version' GROUP BY 1"
    )
    return {name: list(found) for name, found in await connection.execute(text(query))}


async def contents(connection: AsyncConnection) -> Rows:
    """Each row of each table."""
    found: Rows = {}
    for table in await columns(connection):
        rows = await connection.execute(text(f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1"))  # noqa: S608 - from pg_class
        found[table] = [json.loads(row) for row in rows.scalars()]
    return found


def narrowed(rows: Rows, known: dict[str, list[str]]) -> Rows:
    """What of these rows a database with only those tables and columns can hold."""
    return {
        table: [{name: value for name, value in row.items() if name in known[table]} for row in rows[table]]
        for table in rows
        if table in known
    }
