"""What must not be lost: commands taken and events not yet acknowledged, in one SQLite file.

A command is written before it is acknowledged on the bus; its finished event is written in the transaction
that marks it finished; an event is removed when JetStream has it. All calls are short (one fsync) and come
from the event loop's thread, so that there is one writer and no locking to think about.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sbs_agent.errors import StateDamagedError
from sbs_agent.journal_file import open_journal
from sbs_agent.keys import utc_now
from sbs_protocol import PROTOCOL_VERSION
from sbs_protocol.commands import Command, command_adapter
from sbs_protocol.events import (
    CommandAccepted,
    CommandFinished,
    CommandResult,
    CommandStarted,
    CommandWarnings,
    Event,
    EventBody,
    FileWarning,
    OpenCommand,
    event_adapter,
)

_KEEP_FINISHED = timedelta(days=30)
# Other ends may have left files in the target: the restore's marker goes when those are gone.
_OVER = (CommandResult.SUCCEEDED, CommandResult.COMPLETED_WITH_WARNINGS)
Row = tuple[Any, ...]  # what sqlite3 gives; the schema says which columns are what
State = Literal["accepted", "running", "finished"]


class Intake(Enum):
    """What the journal made of a delivered command."""

    NEW = auto()
    OPEN = auto()  # it is being worked on: nothing to do
    FINISHED = auto()  # its outcome is in the outbox (again)
    STALE = auto()  # a later attempt is already known


class Key(NamedTuple):
    command_id: str
    attempt: int


class Entry(NamedTuple):
    """One command as the journal knows it."""

    command: Command
    state: State
    accepted_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    warnings: int
    outcome: CommandFinished | None


class Journal:
    """Raises `StateDamagedError` on opening if the file is not a journal; `sqlite3.Error` if the disk fails."""

    def __init__(self, file: Path, wake: Callable[[], None] = lambda: None) -> None:
        """`wake` is called after each transaction that adds an event."""
        self._wake = wake
        try:
            self._connection = open_journal(file)
            self.epoch: str = self._sure("SELECT epoch FROM meta")[0]
        except (sqlite3.DatabaseError, TypeError) as error:
            raise StateDamagedError(
                f"{file} is damaged or not a journal ({error})",
                "move it away and start again; open commands are lost",
            ) from error

    def close(self) -> None:
        self._connection.close()

    # Commands

    def accept(self, command: Command) -> Intake:
        """Take a delivered command in; called before the bus gets its acknowledgement."""
        key = Key(command.command_id, command.attempt)
        with self._transaction():
            row = self._one("SELECT state FROM command WHERE command_id = ? AND attempt = ?", *key)
            if row is not None:
                return self._again(key) if row[0] == "finished" else Intake.OPEN
            (latest,) = self._sure(
                "SELECT max(attempt) FROM command WHERE command_id = ?", command.command_id
            )
            if latest is not None and latest > command.attempt:
                return Intake.STALE
            self._run(
                "INSERT INTO command (command_id, attempt, body, state, accepted_at) VALUES (?, ?, ?, 'accepted', ?)",
                *key,
                command_adapter.dump_json(command).decode(),
                utc_now().isoformat(),
            )
            self._post(CommandAccepted(command_id=key.command_id, attempt=key.attempt))
        self._wake()
        return Intake.NEW

    def _again(self, key: Key) -> Intake:
        """Put a stored outcome into the outbox once more, unless it still waits there."""
        text, sequence = self._sure(
            "SELECT outcome, outcome_sequence FROM command WHERE command_id = ? AND attempt = ?", *key
        )
        if self._one("SELECT 1 FROM outbox WHERE sequence = ?", sequence) is None:
            sequence = self._post(CommandFinished.model_validate_json(text))
            self._run(
                "UPDATE command SET outcome_sequence = ? WHERE command_id = ? AND attempt = ?", sequence, *key
            )
            self._wake()
        return Intake.FINISHED

    def start(self, key: Key) -> None:
        with self._transaction():
            self._run(
                "UPDATE command SET state = 'running', started_at = ? WHERE command_id = ? AND attempt = ?",
                utc_now().isoformat(),
                *key,
            )
            self._post(CommandStarted(command_id=key.command_id, attempt=key.attempt))
        self._wake()

    def warn(self, key: Key, warnings: list[FileWarning]) -> None:
        """Report warnings of a running command; at most one event's worth."""
        with self._transaction():
            (first,) = self._sure("SELECT warnings FROM command WHERE command_id = ? AND attempt = ?", *key)
            self._run(
                "UPDATE command SET warnings = ? WHERE command_id = ? AND attempt = ?",
                first + len(warnings),
                *key,
            )
            self._post(
                CommandWarnings(
                    command_id=key.command_id, attempt=key.attempt, first_index=first, warnings=warnings
                )
            )
        self._wake()

    def finish(self, outcome: CommandFinished) -> None:
        """Mark the command finished and put its event into the outbox, in one transaction."""
        with self._transaction():
            sequence = self._post(outcome)
            self._run(
                "UPDATE command SET state = 'finished', finished_at = ?, outcome = ?, outcome_sequence = ?"
                " WHERE command_id = ? AND attempt = ?",
                outcome.finished_at.isoformat(),
                outcome.model_dump_json(),
                sequence,
                outcome.command_id,
                outcome.attempt,
            )
            if outcome.result in _OVER:
                self._run("DELETE FROM restore WHERE command_id = ?", outcome.command_id)
        self._wake()

    def entry(self, key: Key) -> Entry | None:
        rows = self._entries("WHERE command_id = ? AND attempt = ?", *key)
        return rows[0] if rows else None

    def open(self) -> list[Entry]:
        """Commands accepted or running, oldest first."""
        return self._entries("WHERE state <> 'finished' ORDER BY accepted_at")

    def recent(self, limit: int) -> list[Entry]:
        """Finished commands, newest first."""
        return self._entries("WHERE state = 'finished' ORDER BY finished_at DESC LIMIT ?", limit)

    def for_hello(self) -> list[OpenCommand]:
        """Open commands, and finished ones whose outcome has not left yet."""
        rows = self._all(
            "SELECT command_id, attempt, state FROM command WHERE state <> 'finished'"
            " OR outcome_sequence IN (SELECT sequence FROM outbox) ORDER BY accepted_at"
        )
        return [OpenCommand(command_id=r[0], attempt=r[1], state=r[2]) for r in rows]

    def warnings_so_far(self, command_id: str) -> int:
        """How many warnings all attempts of this command reported."""
        (total,) = self._sure(
            "SELECT coalesce(sum(warnings), 0) FROM command WHERE command_id = ?", command_id
        )
        return int(total)

    # Cancellation

    def remember_cancel(self, command_id: str) -> None:
        with self._transaction():
            self._run("INSERT OR REPLACE INTO cancelled VALUES (?, ?)", command_id, utc_now().isoformat())

    def is_cancelled(self, command_id: str) -> bool:
        return self._one("SELECT 1 FROM cancelled WHERE command_id = ?", command_id) is not None

    # Restores that have begun to write

    def restore(self, command_id: str) -> str | None:
        """What was remembered last about this restore."""
        row = self._one("SELECT body FROM restore WHERE command_id = ?", command_id)
        return None if row is None else str(row[0])

    def remember_restore(self, command_id: str, body: str) -> None:
        with self._transaction():
            values = (command_id, body, utc_now().isoformat())
            self._run("INSERT OR REPLACE INTO restore VALUES (?, ?, ?)", *values)

    def forget_restore(self, command_id: str) -> None:
        with self._transaction():
            self._run("DELETE FROM restore WHERE command_id = ?", command_id)

    def unfinished_restores(self, limit: int) -> list[str]:
        """Command ids of restores that have begun to write and wait for their next attempt, oldest first."""
        rows = self._all(
            "SELECT command_id FROM restore AS r WHERE NOT EXISTS"
            " (SELECT 1 FROM command AS c WHERE c.command_id = r.command_id AND c.state <> 'finished')"
            " AND NOT EXISTS (SELECT 1 FROM cancelled AS x WHERE x.command_id = r.command_id)"
            " ORDER BY at LIMIT ?",
            limit,
        )
        return [row[0] for row in rows]

    def abandoned_restores(self, before: datetime) -> list[str]:
        """Command ids of restores nobody goes on with: cancelled, or the last attempt ended before this time."""
        rows = self._all(
            "SELECT command_id FROM restore AS r WHERE NOT EXISTS"
            " (SELECT 1 FROM command AS c WHERE c.command_id = r.command_id AND c.state <> 'finished')"
            " AND (EXISTS (SELECT 1 FROM cancelled AS x WHERE x.command_id = r.command_id) OR NOT EXISTS"
            " (SELECT 1 FROM command AS c WHERE c.command_id = r.command_id AND c.finished_at >= ?))",
            before.isoformat(),
        )
        return [row[0] for row in rows]

    # Outbox

    def post(self, body: EventBody) -> None:
        """Put an event that belongs to no stored command into the outbox."""
        with self._transaction():
            self._post(body)
        self._wake()

    def take_sequence(self) -> int:
        """A sequence number for an event that is not stored: a hello, which is made anew if it gets lost."""
        with self._transaction():
            cursor = self._run("INSERT INTO outbox (event) VALUES ('')")
            self._run("DELETE FROM outbox WHERE sequence = ?", cursor.lastrowid)
        return int(cursor.lastrowid or 0)

    def next_event(self) -> Event | None:
        row = self._one("SELECT event FROM outbox ORDER BY sequence LIMIT 1")
        return None if row is None else event_adapter.validate_json(row[0])

    def acknowledge(self, sequence: int) -> None:
        with self._transaction():
            self._run("DELETE FROM outbox WHERE sequence = ?", sequence)

    def waiting_events(self) -> int:
        return int(self._sure("SELECT count(*) FROM outbox")[0])

    def prune(self, now: datetime) -> None:
        """Forget commands finished (and cancellations asked for) more than 30 days ago."""
        before = (now - _KEEP_FINISHED).isoformat()
        with self._transaction():
            self._run("DELETE FROM command WHERE state = 'finished' AND finished_at < ?", before)
            self._run("DELETE FROM cancelled WHERE at < ?", before)

    # SQLite

    def _post(self, body: EventBody) -> int:
        cursor = self._run("INSERT INTO outbox (event) VALUES ('')")
        sequence = int(cursor.lastrowid or 0)
        event = make_event(self.epoch, sequence, body)
        self._run(
            "UPDATE outbox SET event = ? WHERE sequence = ?",
            event_adapter.dump_json(event).decode(),
            sequence,
        )
        return sequence

    def _entries(self, clause: str, *values: object) -> list[Entry]:
        rows = self._all(
            "SELECT body, state, accepted_at, started_at, finished_at, warnings, outcome FROM command "  # noqa: S608 - constants
            + clause,
            *values,
        )
        return [_entry(row) for row in rows]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _run(self, statement: str, *values: object) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)

    def _one(self, statement: str, *values: object) -> Row | None:
        row: Row | None = self._run(statement, *values).fetchone()
        return row

    def _sure(self, statement: str, *values: object) -> Row:
        """The row of a query that always gives one."""
        row = self._one(statement, *values)
        if row is None:
            raise StateDamagedError("the journal lacks a row that must be there", "run: sbs-agent doctor")
        return row

    def _all(self, statement: str, *values: object) -> list[Row]:
        return self._run(statement, *values).fetchall()


def make_event(epoch: str, sequence: int, body: EventBody) -> Event:
    return Event(protocol=PROTOCOL_VERSION, epoch=epoch, sequence=sequence, at=utc_now(), body=body)


def _entry(row: Row) -> Entry:
    body, state, accepted_at, started_at, finished_at, warnings, outcome = row
    return Entry(
        command_adapter.validate_json(body),
        state,
        datetime.fromisoformat(accepted_at),
        datetime.fromisoformat(started_at) if started_at else None,
        datetime.fromisoformat(finished_at) if finished_at else None,
        warnings,
        CommandFinished.model_validate_json(outcome) if outcome else None,
    )
