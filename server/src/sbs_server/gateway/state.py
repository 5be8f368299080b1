"""The gateway's own durable state: one SQLite file in its folder of the data directory.

Which agent made which lock, as whom it did so in another agent's repository, and which repositories may hold named
temporary files. All of it must survive kill -9 and power loss (synchronous=FULL); all of it is small, so one
connection and one lock do. The folder belongs to one gateway process at a time (flock): a second one would sweep away
the uploads of the first.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS agent_lock (
    restic_repository TEXT NOT NULL,
    name TEXT NOT NULL,
    agent TEXT NOT NULL,
    root TEXT NOT NULL,
    made_at REAL NOT NULL,
    PRIMARY KEY (restic_repository, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS guest_lock (
    restic_repository TEXT NOT NULL,
    name TEXT NOT NULL,
    organization TEXT NOT NULL,
    serial TEXT NOT NULL,
    not_after REAL NOT NULL,
    PRIMARY KEY (restic_repository, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS temporary_folder (root TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class StateInUseError(Exception):
    """Another gateway process works with this state folder."""


class GatewayState:
    """Open it once, close it at the end; usable from any thread."""

    def __init__(self, folder: Path) -> None:
        """Raises: StateInUseError; OSError or sqlite3.Error if the folder can't be used."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._flock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._flock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._flock)
            raise StateInUseError(
                f"{folder} is in use by another gateway process; stop that one first"
            ) from error
        self._mutex = threading.Lock()
        self._database = sqlite3.connect(folder / "state.sqlite", check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Exclusive use of the connection; committed at the end, rolled back on an error."""
        with self._mutex, self._database:
            yield self._database

    def close(self) -> None:
        with self._mutex:
            self._database.close()
        os.close(self._flock)
