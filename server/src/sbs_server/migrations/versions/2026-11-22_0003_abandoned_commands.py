"""Commands that were given up on while restic may still run, how many warnings a command has, open runs.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BEFORE = ("open", "accepted", "running", "finished")
_AFTER = ("open", "accepted", "running", "abandoned", "finished")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _allow(_AFTER)
    op.add_column("command", sa.Column("warnings", sa.Integer(), server_default="0", nullable=False))
    op.create_index(
        "ix_run_open", "run", ["dataset_id"], postgresql_where=sa.text("state IN ('waiting', 'running')")
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_run_open", "run")
    op.drop_column("command", "warnings")
    # Forced policies bind the owner too: without this the update would find no rows.
    op.execute("ALTER TABLE command NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE command SET state = 'finished' WHERE state = 'abandoned'")
    op.execute("ALTER TABLE command FORCE ROW LEVEL SECURITY")
    _allow(_BEFORE)


def _allow(states: tuple[str, ...]) -> None:
    words = ", ".join(f"'{state}'" for state in states)
    op.execute("ALTER TABLE command DROP CONSTRAINT ck_command_state")
    op.execute(f"ALTER TABLE command ADD CONSTRAINT ck_command_state CHECK (state IN ({words}))")
