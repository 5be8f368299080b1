"""Every table keeps tenants apart, and the check that says so can fail."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from sbs_server.kit.db.base import Model, TenantModel
from sbs_server.kit.db.failures import sqlstate
from sbs_server.testing.rows import fill

# Protected by rules of their own instead of an `organization_id`: their rows have another owner, or all have one.
PROTECTED_BESIDES = {
    "organization",
    "user_account",
    "outbox",
    "idempotency_key",
    "audit_entry",
    "audit_chain",
}
FREE = {"alembic_version"}  # says which migrations have run; only the owner may read it

UNPROTECTED = text("""
    SELECT c.relname,
           CASE WHEN c.relkind = 'm' THEN 'a materialized view has no policies'
                WHEN c.relkind = 'v' THEN 'a view looks with the rights of its owner, without security_invoker'
                WHEN c.relkind = 'f' THEN 'a foreign table has no policies'
                WHEN NOT c.relrowsecurity THEN 'row-level security is not enabled'
                WHEN NOT c.relforcerowsecurity THEN 'row-level security does not bind the owner'
                WHEN NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) THEN 'no policy'
                WHEN NOT (c.relname = ANY (:known)
                          OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
                                     AND a.attname = 'organization_id' AND NOT a.attisdropped))
                     THEN 'neither organization_id nor in the list of PROTECTED_BESIDES'
           END
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND NOT (c.relkind = 'v' AND 'security_invoker=true' = ANY (coalesce(c.reloptions, '{}')))
      AND NOT c.relname = ANY (:free)
""")


async def unprotected(connection: AsyncConnection) -> dict[str, str]:
    """Tables, partitions and views that another tenant could look into, and why."""
    rows = await connection.execute(UNPROTECTED, {"known": list(PROTECTED_BESIDES), "free": list(FREE)})
    return {name: problem for name, problem in rows if problem is not None}


def tenant_models() -> Iterator[type[TenantModel]]:
    for mapper in Model.registry.mappers:
        if issubclass(mapper.class_, TenantModel):
            yield mapper.class_


async def test_every_table_has_forced_row_level_security_and_a_policy(superuser: AsyncConnection) -> None:
    assert await unprotected(superuser) == {}
    there = set(await superuser.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")))
    assert there == set(Model.metadata.tables) | FREE


async def test_everything_with_an_organization_is_a_tenant_model() -> None:
    declared = {model.__tablename__ for model in tenant_models()}
    with_column = {
        table.name for table in Model.metadata.tables.values() if "organization_id" in table.columns
    }
    assert with_column - declared == {"outbox"}  # may not be read by the application at all
    assert not declared & PROTECTED_BESIDES


SECURED = (
    "ALTER TABLE {0} ENABLE ROW LEVEL SECURITY; ALTER TABLE {0} FORCE ROW LEVEL SECURITY;"
    " CREATE POLICY tenant ON {0} USING (organization_id = sbs_organization_id())"
)
PARTITIONED = "CREATE TABLE fresh (organization_id uuid, at date) PARTITION BY RANGE (at)"


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["CREATE TABLE fresh (organization_id uuid)"], {"fresh": "row-level security is not enabled"}),
        (
            ["CREATE TABLE fresh (organization_id uuid)", "ALTER TABLE fresh ENABLE ROW LEVEL SECURITY"],
            {"fresh": "row-level security does not bind the owner"},
        ),
        (
            [
                "CREATE TABLE fresh (organization_id uuid)",
                "ALTER TABLE fresh ENABLE ROW LEVEL SECURITY",
                "ALTER TABLE fresh FORCE ROW LEVEL SECURITY",
            ],
            {"fresh": "no policy"},
        ),
        (["CREATE TABLE fresh (organization_id uuid)", *SECURED.format("fresh").split(";")], {}),
        # Who asks a partition by its own name gets past the policies of the whole.
        (
            [
                PARTITIONED,
                *SECURED.format("fresh").split(";"),
                "CREATE TABLE fresh_1 PARTITION OF fresh DEFAULT",
            ],
            {"fresh_1": "row-level security is not enabled"},
        ),
        (
            [
                "CREATE TABLE fresh (owner uuid)",
                "ALTER TABLE fresh ENABLE ROW LEVEL SECURITY",
                "ALTER TABLE fresh FORCE ROW LEVEL SECURITY",
                "CREATE POLICY tenant ON fresh USING (true)",
            ],
            {"fresh": "neither organization_id nor in the list of PROTECTED_BESIDES"},
        ),
        (
            ["CREATE VIEW fresh AS SELECT * FROM run"],
            {"fresh": "a view looks with the rights of its owner, without security_invoker"},
        ),
        (["CREATE VIEW fresh WITH (security_invoker=true) AS SELECT * FROM run"], {}),
        (
            ["CREATE MATERIALIZED VIEW fresh AS SELECT * FROM run"],
            {"fresh": "a materialized view has no policies"},
        ),
        (
            ["ALTER TABLE run NO FORCE ROW LEVEL SECURITY"],
            {"run": "row-level security does not bind the owner"},
        ),
    ],
)
async def test_a_table_without_protection_is_found(
    superuser: AsyncConnection, statements: list[str], found: dict[str, str]
) -> None:
    for statement in statements:
        await superuser.execute(text(statement))
    assert await unprotected(superuser) == found


async def test_policies_and_grants_of_sbs_system_are_what_the_models_say(superuser: AsyncConnection) -> None:
    declared = {one.class_.__tablename__: set(one.class_.system_access) for one in Model.registry.mappers}
    policies: dict[str, set[str]] = {name: set() for name in declared}
    for table, act in await superuser.execute(
        text("SELECT tablename, lower(cmd) FROM pg_policies WHERE 'sbs_system' = ANY (roles)")
    ):
        policies[table].add(act)
    grants: dict[str, set[str]] = {name: set() for name in declared}
    for table, act in await superuser.execute(
        text(
            "SELECT table_name, lower(privilege_type) FROM information_schema.role_table_grants"
            " WHERE grantee = 'sbs_system' AND table_schema = 'public'"
        )
    ):
        grants[table].add(act)
    assert policies == declared
    assert grants == declared


async def test_no_policy_is_for_everybody_and_tenants_have_one_rule(superuser: AsyncConnection) -> None:
    public = text("SELECT tablename, policyname FROM pg_policies WHERE 'public' = ANY (roles)")
    assert (await superuser.execute(public)).all() == []
    rules = text(
        "SELECT tablename, array_agg(coalesce(qual, '-') || ' / ' || coalesce(with_check, '-')) FROM pg_policies"
        " WHERE 'sbs_app' = ANY (roles) GROUP BY 1"
    )
    own = "(organization_id = sbs_organization_id())"
    found = {table: list(rules) for table, rules in await superuser.execute(rules)}
    for model in tenant_models():
        assert found[model.__tablename__] == [f"{own} / {own}"], model


async def test_none_of_our_roles_stands_above_the_policies(superuser: AsyncConnection) -> None:
    powers = text(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'sbs\\_%' AND"
        " (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)"
    )
    assert list(await superuser.scalars(powers)) == []
    roles = set(await superuser.scalars(text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'sbs\\_%'")))
    assert {"sbs_app", "sbs_system", "sbs_migrator", "sbs_owner", "sbs_definer"} <= roles
    members = text(
        "SELECT m.member::regrole::text, m.roleid::regrole::text, m.inherit_option FROM pg_auth_members m"
        " WHERE m.member::regrole::text LIKE 'sbs\\_%'"
    )
    # The owner may hand functions to sbs_definer and nothing more; nobody can become anybody else.
    assert [tuple(row) for row in await superuser.execute(members)] == [("sbs_owner", "sbs_definer", False)]
    sign_in = text("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'sbs_definer'")
    assert await superuser.scalar(sign_in) is False


@pytest.mark.parametrize("role", ["sbs_app", "sbs_system", "sbs_migrator"])
async def test_working_roles_own_nothing_and_make_nothing(superuser: AsyncConnection, role: str) -> None:
    owned = text("SELECT count(*) FROM pg_shdepend WHERE refobjid = CAST(:role AS regrole) AND deptype = 'o'")
    assert await superuser.scalar(owned, {"role": role}) == 0
    rights = text(
        "SELECT has_schema_privilege(:role, 'public', 'CREATE'), has_database_privilege(:role, current_database(),"
        " 'CREATE'), has_database_privilege(:role, current_database(), 'TEMPORARY')"
    )
    assert (await superuser.execute(rights, {"role": role})).one() == (False, False, False)
    dangerous = text(
        "SELECT c.relname, p.name FROM pg_class c,"
        " unnest(ARRAY['TRUNCATE', 'TRIGGER', 'REFERENCES', 'MAINTAIN']) p(name)"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
        " AND has_table_privilege(:role, c.oid, p.name)"
    )
    assert (await superuser.execute(dangerous, {"role": role})).all() == []


async def test_functions_with_more_rights_are_closed_to_all_but_those_who_need_them(
    superuser: AsyncConnection,
) -> None:
    functions = text(
        "SELECT proname, proowner::regrole::text, proconfig, has_function_privilege('public', oid, 'EXECUTE'),"
        " has_function_privilege('sbs_migrator', oid, 'EXECUTE') FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace AND prosecdef ORDER BY 1"
    )
    found = (await superuser.execute(functions)).all()
    assert len(found) >= 7
    for name, owner, settings, public, migrator in found:
        assert owner == "sbs_definer", name
        # pg_temp last: nobody slips a table of theirs under the function.
        assert settings == ["search_path=pg_catalog, public, pg_temp"], name
        assert (public, migrator) == (False, False), name


def references() -> Iterator[sa.ForeignKeyConstraint]:
    """Between tables of tenants."""
    for table in Model.metadata.sorted_tables:
        if "organization_id" in table.columns:
            for constraint in sorted(table.foreign_key_constraints, key=lambda one: str(one.name)):
                if "organization_id" in constraint.referred_table.columns:
                    yield constraint


@pytest.mark.parametrize(
    "constraint", list(references()), ids=lambda one: f"{one.table.name}.{one.column_keys[-1]}"
)
async def test_a_row_of_another_organization_can_not_be_referred_to(
    superuser: AsyncConnection, constraint: sa.ForeignKeyConstraint
) -> None:
    """Foreign keys look past row-level security: only their own columns keep them inside."""
    pairs = {element.parent.name: element.column.name for element in constraint.elements}
    assert pairs.pop("organization_id", None) == "organization_id", "the reference can leave the organization"
    ((column, referred),) = pairs.items()
    mine = await fill(superuser)
    parent = constraint.referred_table.name
    # Without rows that point at theirs, so that no unique index refuses first.
    theirs, other_of_mine = (
        await fill(superuser, only={parent}),
        await fill(superuser, mine.organization_id, only={parent}),
    )
    await superuser.execute(text("SET LOCAL ROLE sbs_app"))
    await superuser.execute(
        text("SELECT set_config('sbs.organization_id', :id, true)"), {"id": str(mine.organization_id)}
    )
    change = f"UPDATE {constraint.table.name} SET {column} = :id WHERE {column} = :before"
    before = {"before": mine.rows[parent][referred]}
    savepoint = await superuser.begin_nested()
    with pytest.raises(DBAPIError) as refused:
        await superuser.execute(text(change), before | {"id": theirs.rows[parent][referred]})
    assert sqlstate(refused.value) == "23503"
    await savepoint.rollback()
    done = await superuser.execute(text(change), before | {"id": other_of_mine.rows[parent][referred]})
    assert done.rowcount == 1
