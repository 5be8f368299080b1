"""Starting, dying, restarting and ending: with real servers and real signals."""

from __future__ import annotations

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from sbs_server.embedded.status import Row, status
from sbs_server.embedded.stopping import down
from sbs_server.testing.command_line import sbs
from sbs_server.testing.services import PlatformServices

StartPlatform = Callable[..., PlatformServices]
SERVERS = ["postgres", "valkey", "nats", "temporal"]
PATIENCE_S = 60


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.05)


def row(data_dir: Path, name: str) -> Row:
    return next(row for row in status(data_dir).components if row.component == name)


def family(data_dir: Path) -> list[psutil.Process]:
    """Every process below the supervisor, grandchildren and the guard included."""
    supervisor = status(data_dir).supervisor_pid
    assert supervisor is not None
    return psutil.Process(supervisor).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    return all(not p.is_running() or p.status() == psutil.STATUS_ZOMBIE for p in processes)


def test_a_second_start_is_warm_and_keeps_ports_secrets_and_data(
    start: StartPlatform, data_dir: Path
) -> None:
    first = start()
    before = (
        first.ports,
        (data_dir / "secrets/pg_sbs_app").read_text(),
        (data_dir / "pki/root.crt").read_text(),
    )
    assert first.stop() == 0
    second = start()
    after = (
        second.ports,
        (data_dir / "secrets/pg_sbs_app").read_text(),
        (data_dir / "pki/root.crt").read_text(),
    )
    assert before == after
    assert second.stop() == 0


def test_a_killed_component_comes_back(start: StartPlatform, data_dir: Path) -> None:
    start()
    for name in SERVERS:
        pid = row(data_dir, name).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

        def is_back(name: str = name, pid: int = pid) -> bool:
            now = row(data_dir, name)
            return now.state == "ready" and now.pid != pid and now.restarts == 1

        eventually(is_back, f"{name} is ready again")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_outlives_the_supervisor(
    start: StartPlatform, data_dir: Path, number: signal.Signals
) -> None:
    platform = start()
    processes = family(data_dir)
    assert len(processes) > len(SERVERS) + 1, "postgres has children of its own"
    platform.process.send_signal(number)
    platform.process.wait(PATIENCE_S)
    eventually(lambda: gone(processes), "all processes have ended")
    assert start().stop() == 0


def test_the_end_of_its_lifeline_stops_it(start: StartPlatform, data_dir: Path) -> None:
    platform = start("valkey")
    processes = family(data_dir)
    os.close(platform.lifeline)
    assert platform.process.wait(PATIENCE_S) == 0
    assert gone(processes)


def test_a_start_right_after_a_kill_waits_for_the_end_of_what_was_left(
    start: StartPlatform, data_dir: Path
) -> None:
    platform = start()
    processes = family(data_dir)
    platform.process.kill()
    platform.process.wait(PATIENCE_S)
    second = start()
    assert gone(processes)
    assert second.stop() == 0


def test_a_child_that_ignores_its_signal_ends_with_a_killed_supervisor_too(
    start: StartPlatform, data_dir: Path
) -> None:
    platform = start("valkey", "temporal")
    processes = family(data_dir)
    stopped = row(data_dir, "valkey").pid
    assert stopped is not None
    os.kill(stopped, signal.SIGSTOP)  # SIGTERM stays pending; only SIGKILL ends a stopped process
    platform.process.kill()
    platform.process.wait(PATIENCE_S)
    eventually(lambda: gone(processes), "all processes have ended")


def test_a_supervisor_killed_with_its_guard_leaves_nothing_behind_for_the_next(
    start: StartPlatform, data_dir: Path
) -> None:
    platform = start("valkey", "nats")
    processes = family(data_dir)
    supervised = {row.pid for row in status(data_dir).components}
    guard = [process for process in processes if process.pid not in supervised]
    stopped = row(data_dir, "valkey").pid
    assert stopped is not None
    os.kill(stopped, signal.SIGSTOP)
    for process in guard:
        process.kill()
    platform.process.kill()
    platform.process.wait(PATIENCE_S)
    eventually(lambda: row(data_dir, "valkey").state == "orphan", "status shows the orphan")
    second = start("valkey", "nats")
    assert gone(processes)
    assert second.stop() == 0


@pytest.mark.parametrize("after", ["PG_VERSION", "postmaster.pid"])
def test_a_start_can_be_interrupted(data_dir: Path, after: str) -> None:
    """At two moments: while the cluster is being made, and while PostgreSQL is starting."""
    argv = [
        sys.executable,
        "-m",
        "sbs_server.embedded",
        "--data-dir",
        str(data_dir),
        "--only",
        ",".join(SERVERS),
    ]
    supervisor = psutil.Popen(argv, start_new_session=True)
    marker = data_dir / "postgres" / "data" / after
    eventually(marker.exists, f"{after} exists")
    processes = supervisor.children(recursive=True)
    supervisor.terminate()
    assert supervisor.wait(PATIENCE_S) == 0
    assert gone(processes)
    result = sbs(data_dir, "up", "--only", "postgres")
    assert result.returncode == 0, result.stderr
    assert sbs(data_dir, "down").returncode == 0


def test_up_status_logs_and_down(data_dir: Path) -> None:
    result = sbs(data_dir, "up", "--only", "valkey,nats")
    assert result.returncode == 0, result.stderr
    assert "valkey     ready" in result.stdout
    document = json.loads(sbs(data_dir, "status", "--json").stdout)
    assert {row["component"]: row["state"] for row in document["components"]} == {
        "valkey": "ready",
        "nats": "ready",
    }
    assert all(row["memory_bytes"] > 0 for row in document["components"])
    assert "valkey" in sbs(data_dir, "status").stdout
    assert "Server is ready" in sbs(data_dir, "logs", "nats").stdout
    missing = sbs(data_dir, "logs", "nothing")
    assert missing.returncode == 1
    assert "there is no log of 'nothing'" in missing.stderr
    assert sbs(data_dir, "down").returncode == 0
    assert sbs(data_dir, "status").returncode == 3
    again = sbs(data_dir, "down")
    assert again.returncode == 0
    assert "Nothing runs" in again.stdout


def test_an_internal_port_that_was_taken_meanwhile_is_chosen_anew(
    start: StartPlatform, data_dir: Path
) -> None:
    first = start("valkey")
    port = first.ports["valkey"]
    first.stop()
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        holder.listen()
        assert start("valkey").ports["valkey"] != port


def test_a_component_that_does_not_start_fails_the_start_with_its_last_words(
    start: StartPlatform, data_dir: Path
) -> None:
    start("postgres").stop()
    (data_dir / "postgres" / "data" / "postgresql.conf").write_text("nonsense = 1\n")
    result = sbs(data_dir, "up", "--only", "valkey,postgres")
    assert result.returncode == 1
    assert "sbs: postgres: ended with exit code 1" in result.stderr
    assert 'unrecognized configuration parameter "nonsense"' in result.stderr
    assert status(data_dir).supervisor_pid is None
    assert not [one for one in status(data_dir).components if one.pid is not None]


def test_down_ends_a_supervisor_that_hangs(start: StartPlatform, data_dir: Path) -> None:
    platform = start("valkey", "nats")
    processes = family(data_dir)
    platform.process.send_signal(signal.SIGSTOP)
    said: list[str] = []
    assert down(data_dir, said.append, patience_s=0.5)
    platform.process.wait(PATIENCE_S)
    assert gone(processes)
    assert "has not ended" in said[0]


def test_ctrl_c_in_the_foreground_stops_everything(data_dir: Path) -> None:
    argv = [sys.executable, "-m", "sbs_server.roles.cli", "up", "--foreground", "--only", "valkey,nats"]
    env = {**os.environ, "SBS_DATA_DIR": str(data_dir)}
    with subprocess.Popen(
        argv, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any(line.startswith("Ready") for line in lines)
        processes = family(data_dir)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
    assert gone(processes)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to see that root is given up")
def test_as_root_nothing_runs_as_root(start: StartPlatform, data_dir: Path) -> None:
    platform = start("valkey", "postgres")
    account = pwd.getpwnam("sbs")
    for process in [psutil.Process(platform.process.pid), *family(data_dir)]:
        assert set(process.uids()) == {account.pw_uid}
        assert set(process.gids()) == {account.pw_gid}
    assert (data_dir / "secrets").stat().st_uid == account.pw_uid


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_an_ordinary_user_can_run_it(data_dir: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(data_dir, nobody.pw_uid, nobody.pw_gid)
    setpriv = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    command = [*setpriv, sys.executable, "-m", "sbs_server.roles.cli"]
    env = {"SBS_DATA_DIR": str(data_dir), "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments], env=env, capture_output=True, text=True, check=False, cwd="/"
        )

    up = run("up", "--only", ",".join(SERVERS))
    assert up.returncode == 0, up.stderr
    assert {process.uids().effective for process in family(data_dir)} == {nobody.pw_uid}
    assert run("status").returncode == 0
    assert run("down").returncode == 0
