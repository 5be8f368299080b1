"""PostgreSQL: the cluster, the database roles and the database. The schema is `sbs migrate`'s."""

from __future__ import annotations

import signal

import asyncpg

from sbs_server.config import DatabaseRole, read_secret
from sbs_server.embedded import binaries
from sbs_server.embedded.component import Command, Component, Context
from sbs_server.embedded.errors import StartFailedError
from sbs_server.embedded.ports import LOOPBACK
from sbs_server.kit.db.cluster import prepare_database

LOGIN_ROLES: tuple[DatabaseRole, ...] = ("sbs_owner", "sbs_app", "sbs_system", "sbs_migrator")

# Sized for the smallest installation (2 GiB for everything). WAL stays small between checkpoints.
_OPTIONS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a socket's path may have 107 bytes; data directories may have more
    "shared_buffers": "128MB",
    "max_connections": "100",
    "max_wal_size": "512MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}


async def _prepare(context: Context) -> None:
    """Make the cluster, once."""
    folder = context.directory.folder("postgres")
    if (folder / "data" / "PG_VERSION").exists() and not (folder / "initialising").exists():
        return
    # A marker, because a cluster whose making was interrupted looks almost like a whole one.
    marker = folder / "initialising"
    if (folder / "data").exists():
        await context.run_step(context.command(["rm", "-rf", "--", folder / "data"], "postgres"), "postgres")
    marker.touch()
    argv = [
        str(binaries.postgres("initdb")),
        f"--pgdata={folder / 'data'}",
        "--username=postgres",
        f"--pwfile={context.directory.secrets / 'pg_postgres'}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--data-checksums",
    ]
    code = await context.run_step(context.command(argv, "postgres"), "postgres")
    if code != 0:
        raise StartFailedError("postgres", f"initdb ended with {code}", context.directory.log("postgres"))
    marker.unlink()


def _command(context: Context) -> Command:
    argv = [
        str(binaries.postgres("postgres")),
        "-D",
        str(context.directory.folder("postgres") / "data"),
        "-p",
        str(context.ports["postgres"]),
    ]
    for name, value in _OPTIONS.items():
        argv += ["-c", f"{name}={value}"]
    return context.command(argv, "postgres")


async def _ready(context: Context) -> bool:
    argv = [str(binaries.postgres("pg_isready")), "-q", "-h", LOOPBACK, "-p", str(context.ports["postgres"])]
    return await context.run_step(context.command(argv, "postgres"), "postgres") == 0


async def _bootstrap(context: Context) -> None:
    """Roles with the passwords of the secrets folder, and the database; the same result however often it runs."""
    try:
        connection = await _connect(context)
        try:
            for role in LOGIN_ROLES:
                await _role(connection, role, read_secret(context.directory.secrets / f"pg_{role}"))
            await _database(connection, context.settings.database.name)
        finally:
            await connection.close()
        connection = await _connect(context, context.settings.database.name)
        try:
            await prepare_database(connection)
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StartFailedError(
            "postgres", f"preparing it: {error}", context.directory.log("postgres")
        ) from error


async def _connect(context: Context, database: str = "postgres") -> asyncpg.Connection:
    return await asyncpg.connect(
        host=LOOPBACK,
        port=context.ports["postgres"],
        user="postgres",
        password=read_secret(context.directory.secrets / "pg_postgres"),
        database=database,
        ssl=False,
        # A failing statement would be written to the log with the password in it.
        server_settings={"log_min_error_statement": "panic"},
    )


async def _role(connection: asyncpg.Connection, role: DatabaseRole, password: str) -> None:
    if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
        await connection.execute(f'CREATE ROLE "{role}"')
    options = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
    statement = await connection.fetchval(
        f"SELECT format('ALTER ROLE %I {options} PASSWORD %L', $1::text, $2::text)",
        role,
        password,
    )
    await connection.execute(statement)


async def _database(connection: asyncpg.Connection, name: str) -> None:
    if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
        await connection.execute(f'CREATE DATABASE "{name}" OWNER sbs_owner')
    await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
    others = ", ".join(f'"{role}"' for role in LOGIN_ROLES if role != "sbs_owner")
    await connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO {others}')


COMPONENT = Component(
    name="postgres",
    prepare=_prepare,
    command=_command,
    ready=_ready,
    after_ready=_bootstrap,
    ports=("postgres",),
    stop_signal=signal.SIGINT,  # "fast"; SIGTERM would wait for every client
    stop_timeout_s=60,
    start_timeout_s=300,  # crash recovery replays at most max_wal_size
)
