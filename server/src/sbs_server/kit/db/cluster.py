"""What a PostgreSQL superuser prepares once, before the migrations: the schema's owner and its guests.

Run by the embedded mode at each start, by a managed database's administrator once; the same result however
often it runs. The login roles and the database exist already.
"""

from typing import Final

import asyncpg

STATEMENTS: Final = (
    # Owns the SECURITY DEFINER functions. Nobody can sign in as it; the owner may only hand functions to it.
    """DO $$ BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sbs_definer') THEN
        CREATE ROLE sbs_definer NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
      END IF;
    END $$""",
    "GRANT sbs_definer TO sbs_owner WITH INHERIT FALSE, SET TRUE",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "ALTER SCHEMA public OWNER TO sbs_owner",
    "GRANT USAGE ON SCHEMA public TO sbs_app, sbs_system, sbs_migrator",
    "GRANT USAGE, CREATE ON SCHEMA public TO sbs_definer",
)


async def prepare_database(connection: asyncpg.Connection) -> None:
    """`connection`: a superuser's, to SBS's own database. Raises asyncpg's errors."""
    async with connection.transaction():
        for statement in STATEMENTS:
            await connection.execute(statement)
