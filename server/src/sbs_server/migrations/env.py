"""Alembic's environment: takes the connection that `run_migrations` made, never makes one itself."""

from alembic import context

import sbs_server.models  # noqa: F401 - importing it registers the tables
from sbs_server.kit.db.base import Model

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Model.metadata,
    compare_type=True,
    compare_server_default=False,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
