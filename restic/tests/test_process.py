"""Starting, stopping and outliving restic."""
# ruff: noqa: ASYNC220, ASYNC221 - nobody else waits for this loop

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from sbs_restic.cli import Located, Outcome, Repository, Runner, RunnerSettings, process
from sbs_restic.cli.commands import backup, check, dump, init, key_add, restore, snapshots
from sbs_restic.cli.errors import (
    ArgumentsTooLongError,
    InterruptedRunError,
    InvalidSecretError,
    KilledError,
    OutputTooLargeError,
    ResticMissingError,
    ResticNotExecutableError,
)
from sbs_restic.cli.messages import BackupStatus, ItemError
from sbs_restic.cli.streams import Collected

from .conftest import PASSWORD
from .waiting import descendants, is_alive, is_restic, locks, until

DRIVER = Path(__file__).with_name("driver.py")


def request(source: Path) -> backup.BackupRequest:
    return backup.BackupRequest(sources=(str(source),), host="h")


def slow(repository: Repository) -> Repository:
    # Small packs: under a limit, restic can be interrupted between two packs only.
    return replace(repository, limit_upload_kib=3000, extra=("--pack-size=4",))


def own_restics() -> list[int]:
    return [pid for pid in descendants(os.getpid()) if is_restic(pid)]


async def test_status_lines_come_while_restic_is_at_work(
    runner: Runner, repository: Repository, large: Path
) -> None:
    seen: list[BackupStatus] = []
    stop = asyncio.Event()

    def on_status(status: BackupStatus) -> None:
        seen.append(status)
        if len(seen) == 5:
            stop.set()

    with pytest.raises(InterruptedRunError):
        await backup.run(runner, slow(repository), request(large), on_status=on_status, stop=stop)
    assert len(seen) >= 5
    assert seen[-1].bytes_done >= seen[0].bytes_done


async def test_a_stopped_backup_leaves_neither_lock_nor_process(
    runner: Runner, repository: Repository, large: Path
) -> None:
    stop = asyncio.Event()
    with pytest.raises(InterruptedRunError) as caught:
        await backup.run(runner, slow(repository), request(large), on_status=lambda _: stop.set(), stop=stop)
    assert caught.value.outcome is Outcome.INTERRUPTED
    assert caught.value.exit.stop_requested
    assert not locks(repository.location)
    assert not own_restics()
    assert await snapshots.run(runner, repository) == []


async def test_a_cancelled_task_waits_until_restic_has_cleaned_up(
    runner: Runner, repository: Repository, large: Path
) -> None:
    started = asyncio.Event()
    task = asyncio.ensure_future(
        backup.run(runner, slow(repository), request(large), on_status=lambda _: started.set())
    )
    await started.wait()
    assert locks(repository.location)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not locks(repository.location)
    assert not own_restics()


async def test_cancelling_twice_kills_at_once(runner: Runner, repository: Repository, large: Path) -> None:
    started = asyncio.Event()
    task = asyncio.ensure_future(
        backup.run(runner, slow(repository), request(large), on_status=lambda _: started.set())
    )
    await started.wait()
    [pid] = own_restics()
    os.kill(pid, signal.SIGSTOP)  # restic can't react to anything polite now
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not is_alive(pid)


async def test_a_restic_that_does_not_react_is_killed_after_the_graces(
    restic: Located, repository: Repository, large: Path
) -> None:
    settings = RunnerSettings(binary=restic.path, interrupt_grace_s=0.2, terminate_grace_s=0.2)
    stop = asyncio.Event()

    def freeze(_: BackupStatus) -> None:
        for pid in own_restics():
            os.kill(pid, signal.SIGSTOP)
        stop.set()

    with pytest.raises(KilledError) as caught:
        await backup.run(Runner(settings), slow(repository), request(large), on_status=freeze, stop=stop)
    assert caught.value.exit.returncode == -signal.SIGKILL
    assert not own_restics()


async def test_an_error_of_the_caller_stops_restic_and_is_raised(
    runner: Runner, repository: Repository, large: Path
) -> None:
    def fail(_: BackupStatus) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await backup.run(runner, slow(repository), request(large), on_status=fail)
    assert not own_restics()
    assert not locks(repository.location)


async def test_a_restic_killed_by_somebody_else_says_so(
    runner: Runner, repository: Repository, large: Path
) -> None:
    def shoot(_: BackupStatus) -> None:
        for pid in own_restics():
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(KilledError) as caught:
        await backup.run(runner, slow(repository), request(large), on_status=shoot)
    assert caught.value.retryable
    assert "signal 9" in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: only Linux ends children with their parent")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("frozen", ["", "frozen"])
async def test_no_restic_survives_its_parent(
    number: signal.Signals, frozen: str, restic: Located, repository: Repository, large: Path
) -> None:
    parent = subprocess.Popen(
        [sys.executable, DRIVER, restic.path, repository.location, large, "3000", frozen],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write(PASSWORD.encode())
        parent.stdin.close()
        assert parent.stdout.readline() == b"started\n"
        [pid] = [pid for pid in descendants(parent.pid) if is_restic(pid)]
        parent.send_signal(number)
        parent.wait()
        await until(lambda: not is_alive(pid), timeout_s=10)


async def test_no_password_is_visible_while_restic_runs(
    runner: Runner, repository: Repository, large: Path
) -> None:
    looked: list[bytes] = []

    def look(_: BackupStatus) -> None:
        [pid] = own_restics()
        looked.append(Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes())
        stop.set()

    stop = asyncio.Event()
    with pytest.raises(InterruptedRunError):
        await backup.run(runner, slow(repository), request(large), on_status=look, stop=stop)
    assert b"--password-file=/dev/fd/" in looked[0]
    assert PASSWORD.encode() not in looked[0]
    assert PASSWORD.split()[0].encode() not in looked[0]


async def test_no_second_password_is_visible_either(
    runner: Runner, repository: Repository, folder: Path
) -> None:
    seen: list[bytes] = []
    new = Repository.local(folder / "new", SecretStr("another secret"))
    work = asyncio.ensure_future(init.run(runner, new, template=repository))
    while not work.done():
        for pid in descendants(os.getpid()):
            try:
                seen.append(
                    Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
                )
            except (FileNotFoundError, ProcessLookupError):
                continue
        await asyncio.sleep(0.01)
    await work
    assert any(b"--from-password-file=/dev/fd/" in line for line in seen)
    assert not any(b"another secret" in line or b"horse" in line for line in seen)


async def test_nothing_of_our_environment_reaches_restic(
    runner: Runner, repository: Repository, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SBS_TEST_SECRET", "do-not-pass-on")
    monkeypatch.setenv("RESTIC_REPOSITORY", "/somewhere/else")
    stop, seen = asyncio.Event(), []

    def look(_: BackupStatus) -> None:
        if not stop.is_set():  # what it has said before its end may be heard after it
            seen.append(Path(f"/proc/{own_restics()[0]}/environ").read_bytes())
            stop.set()

    with pytest.raises(InterruptedRunError):
        await backup.run(runner, slow(repository), request(large), on_status=look, stop=stop)
    names = {pair.partition(b"=")[0] for pair in seen[0].split(b"\0") if pair}
    assert names <= {b"PATH", b"TZ", b"RESTIC_PROGRESS_FPS", b"LC_CTYPE"}


def test_passwords_are_in_no_repr_and_no_error(repository: Repository) -> None:
    other = SecretStr("second secret")
    shown = repr(repository) + repr(key_add.build_args(repository, other)) + str(repository)
    assert "horse" not in shown
    assert "second" not in shown


@pytest.mark.parametrize("password", ["", " x", "x\n", "\ufeffx", "a\0b", "\ud800", "x" * 5000])
async def test_a_password_that_restic_would_change_is_refused(
    password: str, runner: Runner, repository: Repository
) -> None:
    with pytest.raises(InvalidSecretError) as caught:
        await snapshots.run(runner, replace(repository, password=SecretStr(password)))
    assert not password.strip() or password.strip() not in str(caught.value)


async def test_a_binary_that_is_gone_or_not_executable_is_named(repository: Repository, folder: Path) -> None:
    missing = Runner(RunnerSettings(binary=folder / "restic"))
    with pytest.raises(ResticMissingError, match="restic is gone"):
        await snapshots.run(missing, repository)
    (folder / "restic").write_text("no program")
    with pytest.raises(ResticNotExecutableError, match="not executable"):
        await snapshots.run(missing, repository)


async def test_a_slow_taker_gets_all_bytes_and_memory_stays_small(
    runner: Runner, repository: Repository, large: Path
) -> None:
    result = await backup.run(runner, repository, request(large))
    largest, total = 0, 0

    async def write(chunk: bytes) -> None:
        nonlocal largest, total
        await asyncio.sleep(0)
        largest, total = max(largest, len(chunk)), total + len(chunk)

    given = await dump.run(runner, repository, result.summary.snapshot_id, str(large), write)
    assert given == total == large.stat().st_size
    assert largest <= 64 * 1024


async def test_a_taker_slower_than_restic_is_waited_for(
    runner: Runner, repository: Repository, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "f").write_bytes(os.urandom(200_000))
    result = await backup.run(runner, repository, request(folder / "f"))
    monkeypatch.setattr(process, "_DRAIN_S", 0.05)
    got = bytearray()

    async def write(chunk: bytes) -> None:
        if not got:
            await until(lambda: not own_restics())
            enough = time.monotonic() + 5 * 0.05
            await until(lambda: time.monotonic() > enough)
        got.extend(chunk)

    await dump.run(runner, repository, result.summary.snapshot_id, str(folder / "f"), write)
    assert bytes(got) == (folder / "f").read_bytes()


@pytest.mark.parametrize("start", ["sleep 1000 &", "setsid sleep 1000 &"])
async def test_a_stray_process_that_holds_the_pipes_is_not_waited_for(
    start: str, restic: Located, repository: Repository, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setattr(process, "_DRAIN_S", 0.05)
    script = f'{start} echo $! > {folder}/pid; exec "$@"'
    stray = Runner(RunnerSettings(binary=restic.path, prefix=("sh", "-c", script, "sh")))
    assert (await stray.run(snapshots.build_args(repository))).outcome is Outcome.OK
    pid = int((folder / "pid").read_text())
    if "setsid" in start:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: not is_alive(pid))


async def test_a_taker_that_breaks_off_leaves_no_lock(
    runner: Runner, repository: Repository, large: Path
) -> None:
    result = await backup.run(runner, repository, request(large))

    async def hang_up(_: bytes) -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await dump.run(runner, repository, result.summary.snapshot_id, str(large), hang_up)
    assert not locks(repository.location)
    assert not own_restics()
    assert (await check.run(runner, repository)).sound


async def test_an_answer_above_the_limit_is_refused(runner: Runner, repository: Repository) -> None:
    with pytest.raises(OutputTooLargeError):
        await runner.run(snapshots.build_args(repository), stdout=Collected(limit=1))


async def test_masks_that_do_not_fit_a_command_line_are_refused(
    runner: Runner, repository: Repository, folder: Path
) -> None:
    many = backup.BackupRequest(
        sources=(str(folder),), host="h", excludes=tuple(f"*.{n}" for n in range(9000))
    )
    with pytest.raises(ArgumentsTooLongError, match="fewer or shorter"):
        await backup.run(runner, repository, many)


async def test_several_runs_at_the_same_time_do_not_mix(
    runner: Runner, repository: Repository, folder: Path
) -> None:
    (folder / "src").mkdir()
    for name in "abc":
        (folder / "src" / name).write_text(name)
    runs = [backup.run(runner, repository, request(folder / "src" / name)) for name in "abc"]
    results = await asyncio.gather(*runs)
    found = {snapshot.id: snapshot.paths for snapshot in await snapshots.run(runner, repository)}
    assert [found[result.summary.snapshot_id] for result in results] == [
        (str(folder / "src" / name),) for name in "abc"
    ]


def unprivileged() -> list[str]:
    """The prefix that makes a command run as an ordinary user."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("NOT TESTED: unreadable files need an ordinary user; run as one, or install setpriv")
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def hand_over(*paths: Path) -> None:
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, 65534, 65534)


async def test_unreadable_files_are_named_exactly_even_when_they_are_not_utf8(
    restic: Located, repository: Repository, folder: Path
) -> None:
    source = folder / "src"
    (source / "locked").mkdir(parents=True)
    planted = [
        os.fsencode(source) + name for name in (b"/plain", b"/caf\xe9 \xff\xfe.txt", b"/\xd0\xbf\xd1\x80")
    ]
    for path in planted:
        Path(os.fsdecode(path)).write_text("x")
        Path(os.fsdecode(path)).chmod(0)
    (source / "locked").chmod(0)
    (source / "fine").write_text("x")
    hand_over(*folder.rglob("*"), *(Path(os.fsdecode(path)) for path in planted))
    done = subprocess.run(
        [*unprivileged(), sys.executable, DRIVER, restic.path, repository.location, source, "0", ""],
        input=PASSWORD.encode(),
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.stderr == b""
    *items, outcome = [json.loads(line) for line in done.stdout.splitlines() if line != b"started"]
    expected = {*planted, os.fsencode(source / "locked")}
    assert {bytes.fromhex(item["real"]) for item in items} == expected
    assert outcome == {"outcome": "incomplete", "errors": len(expected)}
    (source / "locked").chmod(0o755)


async def test_a_restore_that_could_not_write_everything_is_incomplete(
    runner: Runner, repository: Repository, folder: Path
) -> None:
    """A restore into a place where folders are in the way gives errors, each passed on once."""
    source = folder / "src"
    source.mkdir()
    (source / "f").write_text("x")
    result = await backup.run(runner, repository, request(source))
    errors: list[ItemError] = []
    blocked = folder / "out"
    (blocked / "f" / "in the way").mkdir(parents=True)
    restored = await restore.run(
        runner,
        repository,
        restore.RestoreRequest(
            snapshot=result.summary.snapshot_id, subfolder=str(source), target=str(blocked)
        ),
        on_item_error=errors.append,
    )
    assert restored.outcome is Outcome.INCOMPLETE
    assert restored.item_errors == len(errors) > 0
    assert {error.item for error in errors} == {"/f"}
