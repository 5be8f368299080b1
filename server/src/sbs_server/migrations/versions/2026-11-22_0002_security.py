"""Row-level security, grants, and the narrow functions for what happens before a tenant is known.

Revision: 0002, after 0001.
"""

from alembic import op

from sbs_server.kit.db import policies
from sbs_server.kit.db.base import SystemAccess

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Literal lists, not the models: a migration says what it did, whatever becomes of the models later.
TENANT_TABLES: dict[str, tuple[SystemAccess, ...]] = {
    "membership": ("select", "insert"),
    "enrolment_token": ("select", "update"),
    "agent": ("select", "update"),
    "agent_certificate": ("select", "update"),
    "secret": (),
    "repository": (),
    "restic_repository": ("select",),
    "job": ("select",),
    "job_agent": (),
    "job_repository": (),
    "dataset": (),
    "run": ("select",),
    "run_target": (),
    "run_attempt": (),
    "run_warning": (),
    "snapshot": (),
    "snapshot_copy": (),
    "restore": (),
    "command": ("select",),
    "admission_ticket": ("select", "update"),
    "admission_claim": ("select",),
    "handled_message": ("select", "delete"),
}
OTHER_TABLES: dict[str, tuple[SystemAccess, ...]] = {
    "organization": ("select", "insert"),
    "user_account": ("select", "insert", "update"),
    "outbox": ("select", "insert", "update", "delete"),
    "idempotency_key": ("select", "delete"),
    "audit_entry": ("select",),
    "audit_chain": ("select",),
}
DEFINER = "LANGUAGE {language} SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
FUNCTIONS = (
    "auth_account(text)",
    "auth_user(uuid)",
    "auth_memberships(uuid)",
    "platform_organizations(uuid)",
    "enrolment_token_use(bytea)",
    "gateway_grant(uuid, uuid, text, uuid)",
    "audit_append(uuid, text, text, text, text, text, text, text, jsonb)",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in [
        *_settings(),
        *_tenant_tables(),
        *_other_tables(),
        *_definer(),
        *_functions(),
        *_triggers(),
    ]:
        op.execute(statement)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("admission_ticket", "outbox"):
        op.execute(f"DROP TRIGGER notify_change ON {name}")
    op.execute("DROP FUNCTION sbs_notify()")
    op.execute("SET LOCAL ROLE sbs_definer")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute("RESET ROLE")
    op.execute(_DROP_POLICIES)
    for table in [*TENANT_TABLES, *OTHER_TABLES]:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {table} FROM sbs_app, sbs_system, sbs_migrator, sbs_definer")
    op.execute("DROP FUNCTION sbs_organization_id()")
    op.execute("DROP FUNCTION sbs_user_id()")


def _settings() -> list[str]:
    """The setting is an empty string, not NULL, once a transaction of the connection has set it."""
    return [
        "CREATE FUNCTION sbs_organization_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE"
        " RETURN NULLIF(current_setting('sbs.organization_id', true), '')::uuid",
        "CREATE FUNCTION sbs_user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE"
        " RETURN NULLIF(current_setting('sbs.user_id', true), '')::uuid",
    ]


def _tenant_tables() -> list[str]:
    statements = []
    for table, access in TENANT_TABLES.items():
        statements += policies.tenant(table) + policies.system(table, access)
        statements.append(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO sbs_app, sbs_migrator")
    return statements


def _other_tables() -> list[str]:
    statements = policies.tenant("organization", column="id")
    for table in ("user_account", "outbox", "idempotency_key", "audit_entry", "audit_chain"):
        statements += policies.enable(table)
        statements.append(f"CREATE POLICY migrator ON {table} TO sbs_migrator USING (true) WITH CHECK (true)")
    for table, access in OTHER_TABLES.items():
        statements += policies.system(table, access)
    return [
        *statements,
        "GRANT SELECT, INSERT, UPDATE, DELETE ON organization, user_account, outbox, idempotency_key TO sbs_migrator",
        "GRANT SELECT ON audit_entry, audit_chain TO sbs_migrator",
        "GRANT SELECT, INSERT, UPDATE ON organization TO sbs_app",
        # People: oneself, and the members of the organization one works in. No password hashes.
        "CREATE POLICY visible ON user_account FOR SELECT TO sbs_app USING (id = sbs_user_id() OR EXISTS"
        " (SELECT 1 FROM membership m WHERE m.user_id = user_account.id"
        " AND m.organization_id = sbs_organization_id()))",
        "GRANT SELECT (id, email, full_name, locale, is_platform_operator, disabled_at, created_at, updated_at)"
        " ON user_account TO sbs_app",
        "CREATE POLICY write_only ON outbox FOR INSERT TO sbs_app"
        " WITH CHECK (organization_id = sbs_organization_id())",
        "GRANT INSERT ON outbox TO sbs_app",
        "CREATE POLICY own ON idempotency_key TO sbs_app USING (user_id = sbs_user_id())"
        " WITH CHECK (user_id = sbs_user_id())",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_key TO sbs_app",
        "CREATE POLICY tenant ON audit_entry FOR SELECT TO sbs_app USING (chain = sbs_organization_id())",
        "GRANT SELECT ON audit_entry TO sbs_app",
    ]


def _definer() -> list[str]:
    """What the functions below may touch: they run as `sbs_definer`, which nobody can sign in as."""
    statements = []
    for table in (
        "user_account",
        "membership",
        "organization",
        "restic_repository",
        "agent",
        "agent_certificate",
    ):
        statements.append(f"CREATE POLICY definer ON {table} FOR SELECT TO sbs_definer USING (true)")
        statements.append(f"GRANT SELECT ON {table} TO sbs_definer")
    for table, rights in (
        ("enrolment_token", "SELECT, UPDATE"),
        ("audit_entry", "SELECT, INSERT"),
        ("audit_chain", "SELECT, INSERT, UPDATE"),
    ):
        statements.append(f"CREATE POLICY definer ON {table} TO sbs_definer USING (true) WITH CHECK (true)")
        statements.append(f"GRANT {rights} ON {table} TO sbs_definer")
    return statements


def _functions() -> list[str]:
    """They are for the time before a tenant is known. In a transaction that already has a user or an organization
    they answer about that one alone: a wrong id in a request's code finds nothing of others."""
    nobody = "sbs_user_id() IS NULL AND sbs_organization_id() IS NULL"
    own_user = "(sbs_user_id() IS NULL OR sbs_user_id() = p_user)"
    own_organization = "(sbs_organization_id() IS NULL OR sbs_organization_id() = {})"
    owned = []
    for function in FUNCTIONS:
        # Revoked first: once the function is another's, REVOKE does nothing and says so with a warning only.
        owned += [
            f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC",
            f"ALTER FUNCTION {function} OWNER TO sbs_definer",
        ]
    sql = DEFINER.format(language="sql STABLE")
    plpgsql = DEFINER.format(language="plpgsql")
    grants = []
    for function in FUNCTIONS:
        callers = "sbs_app, sbs_system" if function.startswith("audit_append") else "sbs_app"
        grants.append(f"GRANT EXECUTE ON FUNCTION {function} TO {callers}")
    return [
        f"""CREATE FUNCTION auth_account(p_email text)
            RETURNS TABLE (id uuid, email text, full_name text, locale text, is_platform_operator boolean,
                           disabled boolean, password_hash text)
            {sql} AS $$
            SELECT u.id, u.email, u.full_name, u.locale, u.is_platform_operator, u.disabled_at IS NOT NULL,
                   u.password_hash
            FROM user_account u WHERE u.email = lower(p_email) AND {nobody} $$""",
        f"""CREATE FUNCTION auth_user(p_user uuid)
            RETURNS TABLE (id uuid, email text, full_name text, locale text, is_platform_operator boolean,
                           disabled boolean)
            {sql} AS $$
            SELECT u.id, u.email, u.full_name, u.locale, u.is_platform_operator, u.disabled_at IS NOT NULL
            FROM user_account u WHERE u.id = p_user AND {own_user} $$""",
        f"""CREATE FUNCTION auth_memberships(p_user uuid)
            RETURNS TABLE (organization_id uuid, name text, role text)
            {sql} AS $$
            SELECT m.organization_id, o.name, m.role
            FROM membership m JOIN organization o ON o.id = m.organization_id
            WHERE m.user_id = p_user AND {own_user} ORDER BY o.name $$""",
        f"""CREATE FUNCTION platform_organizations(p_user uuid)
            RETURNS TABLE (id uuid, name text, version integer, created_at timestamptz, updated_at timestamptz)
            {sql} AS $$
            SELECT o.id, o.name, o.version, o.created_at, o.updated_at FROM organization o
            WHERE {own_user} AND (
              EXISTS (SELECT 1 FROM user_account u WHERE u.id = p_user AND u.is_platform_operator
                      AND u.disabled_at IS NULL)
              OR EXISTS (SELECT 1 FROM membership m WHERE m.user_id = p_user AND m.organization_id = o.id))
            ORDER BY o.id DESC $$""",
        f"""CREATE FUNCTION gateway_grant(p_organization uuid, p_agent uuid, p_serial text,
                                          p_restic_repository uuid)
            RETURNS TABLE (path text, state text)
            {sql} AS $$
            SELECT r.path, r.state FROM restic_repository r
            JOIN agent a ON a.organization_id = r.organization_id AND a.id = r.agent_id
            JOIN agent_certificate c ON c.organization_id = a.organization_id AND c.agent_id = a.id
            WHERE r.id = p_restic_repository AND r.organization_id = p_organization AND a.id = p_agent
              AND a.state = 'active' AND c.serial = p_serial AND c.revoked_at IS NULL
              AND c.not_after > now() AND {own_organization.format("p_organization")} $$""",
        f"""CREATE FUNCTION enrolment_token_use(p_secret_sha256 bytea)
            RETURNS TABLE (organization_id uuid, token_id uuid, problem text)
            {plpgsql} AS $$
            DECLARE t enrolment_token%ROWTYPE;
            BEGIN
              SELECT * INTO t FROM enrolment_token e
                WHERE e.secret_sha256 = p_secret_sha256 AND {own_organization.format("e.organization_id")}
                FOR UPDATE;
              IF NOT FOUND THEN
                RETURN QUERY SELECT NULL::uuid, NULL::uuid, 'unknown'; RETURN;
              ELSIF t.revoked_at IS NOT NULL THEN
                RETURN QUERY SELECT t.organization_id, t.id, 'revoked'; RETURN;
              ELSIF t.used_count >= t.max_uses THEN
                RETURN QUERY SELECT t.organization_id, t.id, 'used'; RETURN;
              ELSIF t.expires_at <= now() THEN
                RETURN QUERY SELECT t.organization_id, t.id, 'expired'; RETURN;
              END IF;
              UPDATE enrolment_token e SET used_count = e.used_count + 1, updated_at = now() WHERE e.id = t.id;
              RETURN QUERY SELECT t.organization_id, t.id, NULL::text;
            END $$""",
        f"""CREATE FUNCTION audit_append(p_organization uuid, p_actor_kind text, p_actor_id text,
                p_source_address text, p_action text, p_target_kind text, p_target_id text, p_result text,
                p_details jsonb)
            RETURNS bigint {plpgsql} AS $$
            DECLARE
              c uuid := coalesce(p_organization, '00000000-0000-0000-0000-000000000000');
              head audit_chain%ROWTYPE; at timestamptz; text_ text; hash_ text;
            BEGIN
              IF session_user = 'sbs_app' AND p_organization IS NOT NULL
                 AND p_organization IS DISTINCT FROM sbs_organization_id() THEN
                RAISE EXCEPTION 'an act of another organization can not be written' USING ERRCODE = '42501';
              END IF;
              INSERT INTO audit_chain (chain, sequence, hash) VALUES (c, 0, repeat('0', 64))
                ON CONFLICT DO NOTHING;
              SELECT * INTO head FROM audit_chain WHERE chain = c FOR UPDATE;
              at := clock_timestamp();
              text_ := jsonb_build_object('chain', c, 'sequence', head.sequence + 1,
                'at', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                'actor_kind', p_actor_kind, 'actor_id', p_actor_id, 'source_address', p_source_address,
                'action', p_action, 'target_kind', p_target_kind, 'target_id', p_target_id,
                'result', p_result, 'details', p_details)::text;
              hash_ := encode(sha256(convert_to(head.hash || text_, 'UTF8')), 'hex');
              INSERT INTO audit_entry (chain, sequence, at, actor_kind, actor_id, source_address, action,
                target_kind, target_id, result, details, canonical, previous_hash, hash)
              VALUES (c, head.sequence + 1, at, p_actor_kind, p_actor_id, p_source_address, p_action,
                p_target_kind, p_target_id, p_result, p_details, text_, head.hash, hash_);
              UPDATE audit_chain SET sequence = head.sequence + 1, hash = hash_ WHERE chain = c;
              RETURN head.sequence + 1;
            END $$""",
        *grants,
        *owned,
    ]


def _triggers() -> list[str]:
    """Wakes the dispatcher and the relay; they also look by themselves every few seconds."""
    return [
        "CREATE FUNCTION sbs_notify() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN PERFORM pg_notify(TG_ARGV[0], ''); RETURN NULL; END $$",
        # For each row: a statement trigger fires for no rows too, and the dispatcher would wake itself for ever.
        "CREATE TRIGGER notify_change AFTER INSERT OR UPDATE OF state ON admission_ticket"
        " FOR EACH ROW WHEN (NEW.state <> 'granted') EXECUTE FUNCTION sbs_notify('sbs_admission')",
        "CREATE TRIGGER notify_change AFTER INSERT ON outbox"
        " FOR EACH STATEMENT EXECUTE FUNCTION sbs_notify('sbs_outbox')",
    ]


_DROP_POLICIES = """
DO $$ DECLARE p record; BEGIN
  FOR p IN SELECT policyname, tablename FROM pg_policies WHERE schemaname = 'public' LOOP
    EXECUTE format('DROP POLICY %I ON %I', p.policyname, p.tablename);
  END LOOP;
END $$
"""
