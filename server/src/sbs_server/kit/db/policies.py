"""SQL of row-level security, for migrations and for the test that compares it with the database."""

from collections.abc import Sequence

from sbs_server.kit.db.base import SystemAccess

_TENANT = "{column} = sbs_organization_id()"


def enable(table: str) -> list[str]:
    """Row-level security that binds the owner too."""
    return [f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"]


def tenant(table: str, *, column: str = "organization_id") -> list[str]:
    """Rows of the transaction's organization, and no other, for whoever is no system role."""
    rule = _TENANT.format(column=column)
    return [
        *enable(table),
        f"CREATE POLICY tenant ON {table} TO sbs_app, sbs_owner USING ({rule}) WITH CHECK ({rule})",
        f"CREATE POLICY migrator ON {table} TO sbs_migrator USING (true) WITH CHECK (true)",
    ]


def system(table: str, access: Sequence[SystemAccess]) -> list[str]:
    """What the named jobs that cross tenants may do; table by table, never BYPASSRLS."""
    statements = []
    for act in access:
        clause = {"insert": "WITH CHECK (true)", "update": "USING (true) WITH CHECK (true)"}.get(
            act, "USING (true)"
        )
        statements.append(f"CREATE POLICY system_{act} ON {table} FOR {act.upper()} TO sbs_system {clause}")
    if access:
        statements.append(f"GRANT {', '.join(act.upper() for act in access)} ON {table} TO sbs_system")
    return statements
