"""What an agent may do in a restic repository that is another agent's, while it restores from it; indexes for failed
restores and for taking out old commands.

Revision: 0006, after 0005.

The indexes come first, each in no transaction: `run` and `command` stay writable, and what a broken-off migration
left of them is made anew. Then everything else at once, with short locks.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INDEXES = (
    "ix_run_restore_trouble ON run (organization_id, finished_at)"
    " WHERE kind = 'restore' AND state IN ('failed', 'completed_with_warnings')",
    "ix_command_finished ON command (organization_id, finished_at) WHERE state = 'finished'",
)
# Beside `gateway_grant`, which a gateway of the version before goes on asking: it would let a reader write.
# A restore that was cancelled gets the time to end in order, and no more, whatever its agent says of it.
_ACCESS = """
    CREATE FUNCTION gateway_access(p_organization uuid, p_agent uuid, p_serial text, p_restic_repository uuid)
    RETURNS TABLE (path text, state text, own boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT r.path, r.state, r.agent_id IS NOT DISTINCT FROM a.id FROM restic_repository r
    JOIN agent a ON a.organization_id = r.organization_id AND a.id = p_agent
    JOIN agent_certificate c ON c.organization_id = a.organization_id AND c.agent_id = a.id
    WHERE r.id = p_restic_repository AND r.organization_id = p_organization
      AND a.state = 'active' AND c.serial = p_serial AND c.revoked_at IS NULL AND c.not_after > now()
      AND (sbs_organization_id() IS NULL OR sbs_organization_id() = p_organization)
      AND (r.agent_id = a.id OR EXISTS (
        SELECT 1 FROM command o
        WHERE o.organization_id = p_organization AND o.agent_id = a.id AND o.restic_repository_id = r.id
          AND o.state IN ('open', 'accepted', 'running') AND o.body ->> 'kind' = 'restore.run'
          AND (o.cancel_requested_at IS NULL OR o.cancel_requested_at > now() - interval '5 minutes'))) $$
"""
_FUNCTION = "gateway_access(uuid, uuid, text, uuid)"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        _drop_indexes()
        for index in _INDEXES:
            op.execute(f"CREATE INDEX CONCURRENTLY {index}")
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in (
        "CREATE POLICY definer ON command FOR SELECT TO sbs_definer USING (true)",
        "GRANT SELECT ON command TO sbs_definer",
        _ACCESS,
        f"REVOKE ALL ON FUNCTION {_FUNCTION} FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {_FUNCTION} TO sbs_app",
        f"ALTER FUNCTION {_FUNCTION} OWNER TO sbs_definer",
    ):
        op.execute(statement)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        _drop_indexes()
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL ROLE sbs_definer")
    op.execute(f"DROP FUNCTION {_FUNCTION}")
    op.execute("RESET ROLE")
    op.execute("REVOKE SELECT ON command FROM sbs_definer")
    op.execute("DROP POLICY definer ON command")


def _drop_indexes() -> None:
    for index in _INDEXES:
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index.split()[0]}")
