"""What the journal promises: once in, exactly once out."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbs_agent.errors import StateDamagedError
from sbs_agent.journal import Intake, Journal, Key
from sbs_agent.journal_file import integrity_problem, remove_journal
from sbs_protocol.commands import BackupRun, Command
from sbs_protocol.events import CommandFinished, CommandResult, CommandWarnings, FileWarning, message_id
from sbs_protocol.identifiers import command_id
from sbs_protocol.paths import WirePath

ID = command_id(UUID(int=1), "backup", UUID(int=2))


def _command(attempt: int = 1, command: str = ID) -> Command:
    body = BackupRun(dataset_id=uuid4(), restic_repository_id=uuid4(), sources=["/a"], host="h")
    return Command(protocol=1, command_id=command, attempt=attempt, issued_at=datetime.now(UTC), body=body)


def _finished(attempt: int = 1, at: datetime | None = None) -> CommandFinished:
    return CommandFinished(
        command_id=ID, attempt=attempt, result=CommandResult.SUCCEEDED, finished_at=at or datetime.now(UTC)
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal.db")
    yield made
    made.close()


def _drain(journal: Journal) -> list[str]:
    kinds: list[str] = []
    while (event := journal.next_event()) is not None:
        kinds.append(event.body.kind)
        journal.acknowledge(event.sequence)
    return kinds


def test_a_command_is_taken_once(journal: Journal) -> None:
    assert journal.accept(_command()) is Intake.NEW
    assert journal.accept(_command()) is Intake.OPEN
    assert _drain(journal) == ["command.accepted"]


def test_an_older_attempt_is_stale(journal: Journal) -> None:
    journal.accept(_command(2))
    assert journal.accept(_command(1)) is Intake.STALE
    assert journal.accept(_command(3)) is Intake.NEW


def test_a_finished_command_that_comes_again_sends_its_outcome_again(journal: Journal) -> None:
    journal.accept(_command())
    journal.start(Key(ID, 1))
    journal.finish(_finished())
    assert journal.accept(_command()) is Intake.FINISHED
    assert _drain(journal) == ["command.accepted", "command.started", "command.finished"]
    assert journal.accept(_command()) is Intake.FINISHED
    assert _drain(journal) == ["command.finished"]


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    first = Journal(tmp_path / "journal.db")
    first.accept(_command())
    first.start(Key(ID, 1))
    epoch = first.epoch
    first.close()
    second = Journal(tmp_path / "journal.db")
    assert second.epoch == epoch
    assert [(entry.command.command_id, entry.state) for entry in second.open()] == [(ID, "running")]
    assert _drain(second) == ["command.accepted", "command.started"]
    second.close()


def test_sequence_numbers_are_never_given_twice(journal: Journal) -> None:
    seen = []
    for attempt in range(1, 4):
        journal.accept(_command(attempt))
        event = journal.next_event()
        assert event is not None
        seen.append(message_id(event))
        journal.acknowledge(event.sequence)
        seen.append(f"{journal.epoch}-{journal.take_sequence()}")
    assert len(set(seen)) == len(seen)
    assert seen == sorted(seen)


def test_a_finish_that_can_not_be_written_leaves_the_command_open(journal: Journal) -> None:
    journal.accept(_command())
    journal.start(Key(ID, 1))
    before = journal.waiting_events()
    journal._connection.execute(
        "CREATE TEMP TRIGGER broken BEFORE UPDATE ON command BEGIN SELECT RAISE(ABORT, 'x'); END"
    )
    with pytest.raises(sqlite3.IntegrityError):
        journal.finish(_finished())
    assert journal.waiting_events() == before
    entry = journal.entry(Key(ID, 1))
    assert entry is not None
    assert entry.state == "running"


def test_warnings_are_numbered_over_the_whole_attempt(journal: Journal) -> None:
    journal.accept(_command())
    warning = FileWarning(path=WirePath(text="/a"), code="unreadable", message="no")
    journal.warn(Key(ID, 1), [warning] * 3)
    journal.warn(Key(ID, 1), [warning] * 2)
    bodies = []
    while (event := journal.next_event()) is not None:
        bodies.append(event.body)
        journal.acknowledge(event.sequence)
    assert [(b.first_index, len(b.warnings)) for b in bodies if isinstance(b, CommandWarnings)] == [
        (0, 3),
        (3, 2),
    ]
    assert journal.warnings_so_far(ID) == 5


def test_hello_tells_open_commands_and_outcomes_that_have_not_left(journal: Journal) -> None:
    journal.accept(_command())
    journal.finish(_finished())
    assert [c.state for c in journal.for_hello()] == ["finished"]
    _drain(journal)
    assert journal.for_hello() == []


def test_a_cancellation_is_remembered(journal: Journal) -> None:
    assert not journal.is_cancelled(ID)
    journal.remember_cancel(ID)
    journal.remember_cancel(ID)
    assert journal.is_cancelled(ID)


def test_finished_commands_are_forgotten_after_thirty_days_and_open_ones_never(journal: Journal) -> None:
    now = datetime.now(UTC)
    journal.accept(_command(1))
    journal.finish(_finished(1, now - timedelta(days=31)))
    journal.accept(_command(2))
    journal.prune(now)
    assert journal.entry(Key(ID, 1)) is None
    assert journal.entry(Key(ID, 2)) is not None


def test_a_file_that_is_no_journal_is_told(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    file.write_bytes(b"not a database, but long enough to look like one" * 100)
    with pytest.raises(StateDamagedError, match=r"journal\.db"):
        Journal(file)
    assert integrity_problem(file) is not None


def test_a_whole_journal_passes_the_check_and_can_be_removed(tmp_path: Path) -> None:
    file = tmp_path / "journal.db"
    Journal(file).close()
    assert integrity_problem(file) is None
    remove_journal(file)
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.tuples(st.sampled_from(["accept", "start", "finish"]), st.integers(1, 3)), max_size=25))
def test_whatever_order_things_come_in_each_attempt_is_taken_once_and_finishes_once(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    journal = Journal(tmp_path_factory.mktemp("j") / "journal.db")
    taken: set[int] = set()
    done: set[int] = set()
    for step, attempt in steps:
        if step == "accept":
            new = journal.accept(_command(attempt)) is Intake.NEW
            assert new == (attempt not in taken and all(attempt > other for other in taken))
            taken |= {attempt} if new else set()
        elif step == "start" and attempt in taken - done:
            journal.start(Key(ID, attempt))
        elif step == "finish" and attempt in taken - done:
            journal.finish(_finished(attempt))
            done.add(attempt)
    assert {entry.command.attempt for entry in journal.open()} == taken - done
    assert len(journal.recent(100)) == len(done)
    journal.close()


def test_a_journal_of_the_version_before_is_taken_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.accept(_command())
    journal.close()
    with closing(sqlite3.connect(tmp_path / "journal.db")) as before:
        before.executescript("DROP TABLE restore; PRAGMA user_version = 1;")
    with closing(Journal(tmp_path / "journal.db")) as after:
        assert after.accept(_command()) is Intake.OPEN
        after.remember_restore(ID, "text")
        assert after.restore(ID) == "text"
