"""The journal's file: schema, opening, checking, removing."""

import secrets
import sqlite3
from contextlib import closing
from pathlib import Path

from sbs_agent.keys import utc_now

_SCHEMA_VERSION = 2
_SCHEMA = """
CREATE TABLE meta (epoch TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE command (
    command_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('accepted', 'running', 'finished')),
    accepted_at TEXT NOT NULL,
    started_at TEXT,
    finished_at TEXT,
    warnings INTEGER NOT NULL DEFAULT 0,
    outcome TEXT,
    outcome_sequence INTEGER,
    PRIMARY KEY (command_id, attempt)
) WITHOUT ROWID;
CREATE INDEX command_by_state ON command (state);
-- AUTOINCREMENT: a sequence number is never given twice, also after its row was deleted.
CREATE TABLE outbox (sequence INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL);
CREATE TABLE cancelled (command_id TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID;
"""
_RESTORE = """
-- Restores that have begun to write and are not over: commands/restore_marker.py says what is in the body.
CREATE TABLE restore (command_id TEXT PRIMARY KEY, body TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;
"""


def open_journal(file: Path) -> sqlite3.Connection:
    """Open or create the file. Raises `sqlite3.DatabaseError`, also when a newer agent wrote it."""
    file.touch(mode=0o600)
    connection = sqlite3.connect(file, isolation_level=None, timeout=10)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a power cut must not undo what was acknowledged
        _migrate(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == _SCHEMA_VERSION:
        return
    if version == 1:
        connection.executescript(
            f"BEGIN IMMEDIATE; {_RESTORE} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;"
        )
        return
    if version != 0:
        raise sqlite3.DatabaseError(f"its version is {version}, this agent knows {_SCHEMA_VERSION}")
    # One script in one transaction: a crash in between leaves an empty file, which is made again.
    values = f"'{secrets.token_hex(8)}', '{utc_now().isoformat()}'"
    fill = f"INSERT INTO meta VALUES ({values}); PRAGMA user_version = {_SCHEMA_VERSION};"  # noqa: S608 - all ours
    connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} {_RESTORE} {fill} COMMIT;")


def remove_journal(file: Path) -> None:
    for suffix in ("-wal", "-shm", ""):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


def integrity_problem(file: Path) -> str | None:
    """What SQLite finds wrong with the file; None if nothing. Safe beside a running agent."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=10)) as connection:
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        return str(error)
    return None if answer == "ok" else str(answer)
