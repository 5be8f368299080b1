"""What the console asks for: times of the steps of a run, the last end of each dataset, slots that are due.

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TIMES = {
    "command": ["first_progress_at"],
    "run_attempt": ["ordered_at", "accepted_at", "first_progress_at"],
    "run_target": ["recorded_at"],
    "dataset": ["last_finished_at"],
    "job": ["next_due_at"],
}
_STATES = ("waiting", "running", "succeeded", "completed_with_warnings", "partial", "failed", "cancelled")
_NEWEST = "created_at DESC, id DESC"
_INDEXES = (
    f"ix_run_newest ON run (organization_id, {_NEWEST}) INCLUDE (state)",
    f"ix_run_state_newest ON run (organization_id, state, {_NEWEST})",
    f"ix_run_job_newest ON run (organization_id, job_id, {_NEWEST})",
    f"ix_run_agent_newest ON run (organization_id, agent_id, kind, {_NEWEST})",
    "ix_run_lost ON run (organization_id, finished_at) WHERE error_code = 'workflow_lost'",
    "ix_job_due ON job (organization_id, next_due_at)"
    " WHERE deleted_at IS NULL AND NOT paused AND cron IS NOT NULL",
    "ix_dataset_trouble ON dataset (organization_id, job_id)"
    " WHERE last_state IN ('failed', 'partial', 'completed_with_warnings')",
    "ix_agent_away ON agent (organization_id) WHERE state = 'active' AND NOT connected",
    "ix_agent_certificate_end ON agent_certificate (agent_id, not_after) WHERE revoked_at IS NULL",
    "ix_snapshot_newest ON snapshot (organization_id, taken_at DESC, id DESC) WHERE forgotten_at IS NULL",
    "ix_snapshot_present ON snapshot (organization_id) WHERE forgotten_at IS NULL",
    "ix_snapshot_agent_newest ON snapshot (organization_id, agent_id, taken_at DESC, id DESC)",
    "ix_snapshot_copy_present ON snapshot_copy (organization_id, restic_repository_id)"
    " WHERE state = 'present'",
)
_BEFORE = (
    "ix_run_newest ON run (organization_id, id DESC)",
    "ix_run_job_newest ON run (organization_id, job_id, id DESC)",
    "ix_run_agent_newest ON run (organization_id, agent_id, id DESC)",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, columns in _TIMES.items():
        for column in columns:
            op.add_column(table, sa.Column(column, sa.DateTime(timezone=True), nullable=True))
    op.add_column("dataset", sa.Column("last_run_id", sa.Uuid(), nullable=True))
    op.add_column("dataset", sa.Column("last_state", sa.String(length=40), nullable=True))
    op.add_column("dataset", sa.Column("last_error_code", sa.String(), nullable=True))
    words = ", ".join(f"'{state}'" for state in _STATES)
    op.execute(f"ALTER TABLE dataset ADD CONSTRAINT ck_dataset_last_state CHECK (last_state IN ({words}))")
    _replace_indexes(_BEFORE, _INDEXES)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _replace_indexes(_INDEXES, _BEFORE)
    for column in ("last_error_code", "last_state", "last_run_id"):
        op.drop_column("dataset", column)
    for table, columns in _TIMES.items():
        for column in columns:
            op.drop_column(table, column)


def _replace_indexes(old: tuple[str, ...], new: tuple[str, ...]) -> None:
    for one in old:
        op.execute(f"DROP INDEX {one.split()[0]}")
    for one in new:
        op.execute(f"CREATE INDEX {one}")
