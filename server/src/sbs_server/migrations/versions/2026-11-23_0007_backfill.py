"""What 0005 left empty in rows from before it.

Revision: 0007, after 0006.

Each statement for each organization is a transaction of its own: nobody waits for the rows of another one, and broken
off anywhere it goes on where it was, as what is filled in is not looked at again.

Not to be known any more, and left empty: when restic began to read or write (`first_progress_at`), the times of
attempts before a command's last one. `job.next_due_at` needs cron: the worker fills it in when it starts.
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

from sbs_server.kit.db.session import work_for

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# As `runs.datasets.note_end` has done it since: the newest run that ended otherwise than by being cancelled.
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


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    organizations = _organizations()
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        for organization in organizations:
            work_for(connection, organization)
            for statement in (_DATASETS, _TARGETS, _ATTEMPTS):
                op.execute(statement)
        work_for(connection, None)


def downgrade() -> None:
    """What was filled in stays: it is as true as before."""
    op.execute("SET LOCAL lock_timeout = '5s'")


def _organizations() -> list[UUID]:
    """Forced policies bind the owner too; the definer of the sign-in functions may read the list."""
    connection = op.get_bind()
    connection.execute(sa.text("SET LOCAL ROLE sbs_definer"))
    found = connection.execute(sa.text("SELECT id FROM organization ORDER BY id")).scalars().all()
    connection.execute(sa.text("RESET ROLE"))
    return list(found)
