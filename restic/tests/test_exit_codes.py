"""The table, and each of its rows provoked with the real restic."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from sbs_restic.cli import EXIT_CODES, Outcome, Repository, Runner
from sbs_restic.cli.commands import backup, cat_config, check, init, snapshots
from sbs_restic.cli.errors import (
    CommandFailedError,
    InterruptedRunError,
    RepositoryLockedError,
    RepositoryMissingError,
    WrongPasswordError,
    failure,
)
from sbs_restic.cli.exit_codes import interpret
from sbs_restic.cli.messages import ItemError

from .waiting import descendants, is_restic, locks, until


def test_the_table_has_every_documented_code() -> None:
    assert {code: meaning.outcome for code, meaning in EXIT_CODES.items()} == {
        0: Outcome.OK,
        1: Outcome.FAILED,
        2: Outcome.GO_ERROR,
        3: Outcome.INCOMPLETE,
        10: Outcome.REPOSITORY_MISSING,
        11: Outcome.REPOSITORY_LOCKED,
        12: Outcome.WRONG_PASSWORD,
        130: Outcome.INTERRUPTED,
    }


def test_a_code_that_is_not_in_the_table_is_a_failure() -> None:
    meaning = interpret(77)
    assert meaning.outcome is Outcome.UNKNOWN
    assert meaning.retryable
    assert meaning.snapshot_may_exist


@pytest.mark.parametrize("returncode", [1, 10, 11, 12, 130, 77])
def test_any_failure_after_a_stop_is_an_interruption(returncode: int) -> None:
    assert interpret(returncode, stop_requested=True).outcome is Outcome.INTERRUPTED


@pytest.mark.parametrize("returncode", [0, 3])
def test_a_result_that_was_there_before_the_stop_stays_one(returncode: int) -> None:
    assert interpret(returncode, stop_requested=True) == interpret(returncode)


def test_signals_are_told_apart() -> None:
    assert interpret(-signal.SIGINT).outcome is Outcome.INTERRUPTED
    assert interpret(-signal.SIGKILL).outcome is Outcome.KILLED
    assert interpret(-signal.SIGKILL).retryable
    assert not interpret(-signal.SIGKILL, stop_requested=True).retryable


@pytest.fixture
def source(folder: Path) -> Path:
    path = folder / "src"
    path.mkdir()
    (path / "file").write_text("x")
    return path


async def test_0_backup(runner: Runner, repository: Repository, source: Path) -> None:
    result = await backup.run(runner, repository, backup.BackupRequest(sources=(str(source),), host="h"))
    assert (result.outcome, result.exit.returncode) == (Outcome.OK, 0)
    assert len(result.summary.snapshot_id) == 64


async def test_1_second_init(runner: Runner, repository: Repository) -> None:
    with pytest.raises(CommandFailedError, match="already exists") as caught:
        await init.run(runner, repository)
    assert caught.value.exit.returncode == 1
    assert caught.value.retryable


async def test_2_crash_of_the_go_runtime(runner: Runner, repository: Repository) -> None:
    run = asyncio.ensure_future(runner.run(snapshots.build_args(repository)))

    def running() -> list[int]:
        return [pid for pid in descendants(os.getpid()) if is_restic(pid)]

    await until(lambda: bool(running()))
    # Locking comes after start-up, when Go's own handlers are certainly in place.
    await until(lambda: bool(locks(repository.location)))
    os.kill(running()[0], signal.SIGQUIT)
    exit_ = await run
    assert (exit_.returncode, exit_.outcome) == (2, Outcome.GO_ERROR)
    assert exit_.diagnostics


async def test_3_a_source_that_restic_may_not_read(
    runner: Runner, repository: Repository, source: Path
) -> None:
    # A name that is too long for the system: nobody may read it, root neither.
    too_long = source / ("x" * 300)
    errors: list[ItemError] = []
    result = await backup.run(
        runner,
        repository,
        backup.BackupRequest(sources=(str(source), str(too_long)), host="h"),
        on_item_error=errors.append,
    )
    assert (result.outcome, result.exit.returncode) == (Outcome.INCOMPLETE, 3)
    assert [error.item for error in errors] == [str(too_long)]
    assert result.summary.snapshot_id


async def test_10_no_repository(runner: Runner, repository: Repository, folder: Path) -> None:
    with pytest.raises(RepositoryMissingError, match="initialise it first") as caught:
        await cat_config.run(runner, replace(repository, location=str(folder / "nothing")))
    assert caught.value.exit.returncode == 10
    assert not caught.value.retryable


async def test_11_locked(runner: Runner, repository: Repository, large: Path) -> None:
    stop, started = asyncio.Event(), asyncio.Event()
    holder = asyncio.ensure_future(
        backup.run(
            runner,
            replace(repository, limit_upload_kib=3000, extra=("--pack-size=4",)),
            backup.BackupRequest(sources=(str(large),), host="h"),
            on_status=lambda _: started.set(),
            stop=stop,
        )
    )
    await started.wait()
    with pytest.raises(RepositoryLockedError, match="already locked") as locked:
        await check.run(runner, repository)
    assert locked.value.exit.returncode == 11
    assert locked.value.retryable
    stop.set()
    with pytest.raises(InterruptedRunError):
        await holder


async def test_130_interrupted_at_work(runner: Runner, repository: Repository, large: Path) -> None:
    await backup.run(runner, repository, backup.BackupRequest(sources=(str(large),), host="h"))
    slow, stop = replace(repository, limit_download_kib=3000), asyncio.Event()
    work = asyncio.ensure_future(runner.run(check.build_args(slow, read_data_percent=100), stop=stop))
    # It has a lock, so it is past trying the keys, where an interruption ends with 12.
    await until(lambda: bool(locks(repository.location)))
    stop.set()
    exit_ = await work
    assert (exit_.returncode, exit_.outcome) == (130, Outcome.INTERRUPTED)
    assert not locks(repository.location)


async def test_12_wrong_password(runner: Runner, repository: Repository) -> None:
    with pytest.raises(WrongPasswordError) as caught:
        await snapshots.run(runner, replace(repository, password=SecretStr("not this one")))
    assert caught.value.exit.returncode == 12
    assert "not this one" not in str(caught.value)


async def test_an_error_describes_itself_in_one_line(runner: Runner, repository: Repository) -> None:
    exit_ = await runner.run(check.build_args(replace(repository, extra=("--no-such-option",))))
    error = failure(exit_)
    assert "\n" not in str(error)
    assert "--no-such-option" in str(error)
