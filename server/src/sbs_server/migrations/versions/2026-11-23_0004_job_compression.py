"""How hard a job's data is packed.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # A constant default is no rewrite of the table; a job of the version before gets what its runs did so far.
    op.add_column(
        "job", sa.Column("compression", sa.String(length=40), server_default="auto", nullable=False)
    )
    op.execute(
        "ALTER TABLE job ADD CONSTRAINT ck_job_compression CHECK (compression IN ('auto', 'off', 'max'))"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("job", "compression")
