"""What 0005 left empty in rows from before it; indexes for failed restores and for taking out old commands; what an
agent may do in a restic repository that is another agent's, while it restores from it.

Revision: 0006, after 0005.

Not to be known any more, and left empty: when restic began to read or write (`first_progress_at`), the times of
attempts before a command's last one. `job.next_due_at` needs cron: the worker fills it in when it starts.
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

from sbs_server.kit.db.session import work_for

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INDEXES = (
    "ix_run_restore_trouble ON run (organization_id, finished_at)"
    " WHERE kind = 'restore' AND state IN ('failed', 'completed_with_warnings')",
    "ix_command_finished ON command (organization_id, finished_at) WHERE state = 'finished'",
)
# As `backups.datasets.note_end` has done it since: the newest run that ended otherwise than by being cancelled.
_DATASETS = """
    UPDATE dataset d SET last_run_id = r.id, last_state = r.state, last_error_code = r.error_code,
      last_finished_at = r.finished_at
    FROM (SELECT DISTINCT ON (dataset_id) dataset_id, id, state, error_code, finished_at FROM run
          WHERE dataset_id IS NOT NULL AND state NOT IN ('waiting', 'running', 'cancelled')
          ORDER BY dataset_id, id DESC) r
    WHERE d.id = r.dataset_id AND d.last_run_id IS NULL
"""
# The last thing that happened to a target was its recording, unless its run ended without one.
_TARGETS = """
    UPDATE run_target t SET recorded_at = t.updated_at FROM run r
    WHERE r.id = t.run_id AND r.error_code IS DISTINCT FROM 'workflow_lost' AND t.recorded_at IS NULL
      AND t.state NOT IN ('waiting', 'running') AND (t.result <> '{}' OR EXISTS (
        SELECT 1 FROM run_attempt a
        WHERE a.run_id = t.run_id AND a.restic_repository_id = t.restic_repository_id))
"""
_ATTEMPTS = """
    UPDATE run_attempt a SET ordered_at = c.ordered_at, accepted_at = c.accepted_at FROM command c
    WHERE c.run_id = a.run_id AND c.restic_repository_id = a.restic_repository_id AND c.attempt = a.attempt
      AND a.ordered_at IS NULL AND a.finished_at IS NOT NULL
"""
# Beside `gateway_grant`, which a gateway of the version before goes on asking: it would let a reader write.
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
          AND o.state IN ('open', 'accepted', 'running') AND o.body ->> 'kind' = 'restore.run')) $$
"""
_FUNCTION = "gateway_access(uuid, uuid, text, uuid)"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for index in _INDEXES:
        op.execute(f"CREATE INDEX {index}")
    for statement in (
        "CREATE POLICY definer ON command FOR SELECT TO sbs_definer USING (true)",
        "GRANT SELECT ON command TO sbs_definer",
        _ACCESS,
        f"REVOKE ALL ON FUNCTION {_FUNCTION} FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {_FUNCTION} TO sbs_app",
        f"ALTER FUNCTION {_FUNCTION} OWNER TO sbs_definer",
    ):
        op.execute(statement)
    for organization in _organizations():
        # One tenant after the other, as everybody else does: no lock that would keep a table from its users.
        work_for(op.get_bind(), organization)
        for statement in (_DATASETS, _TARGETS, _ATTEMPTS):
            op.execute(statement)
    work_for(op.get_bind(), None)


def downgrade() -> None:
    """What was filled in stays: it is as true as before."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL ROLE sbs_definer")
    op.execute(f"DROP FUNCTION {_FUNCTION}")
    op.execute("RESET ROLE")
    op.execute("REVOKE SELECT ON command FROM sbs_definer")
    op.execute("DROP POLICY definer ON command")
    for index in _INDEXES:
        op.execute(f"DROP INDEX {index.split()[0]}")


def _organizations() -> list[UUID]:
    """Forced policies bind the owner too; the definer of the sign-in functions may read the list."""
    connection = op.get_bind()
    connection.execute(sa.text("SET LOCAL ROLE sbs_definer"))
    found = connection.execute(sa.text("SELECT id FROM organization ORDER BY id")).scalars().all()
    connection.execute(sa.text("RESET ROLE"))
    return list(found)
