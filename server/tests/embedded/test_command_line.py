"""What `sbs up`, `status`, `logs` and `down` say when something is not as it should be."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sbs_server.embedded.status import status
from sbs_server.testing.command_line import sbs
from sbs_server.testing.services import PlatformServices

StartPlatform = Callable[..., PlatformServices]


def state(data_dir: Path, name: str) -> str:
    return next(row.state for row in status(data_dir).components if row.component == name)


def test_a_second_up_says_that_it_already_runs_and_where(start: StartPlatform, data_dir: Path) -> None:
    start("valkey")
    result = sbs(data_dir, "up", "--only", "valkey")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Already running: console and API https://localhost:")
    assert state(data_dir, "valkey") == "ready"


@pytest.mark.parametrize(
    "words", [["up", "--foreground", "--only", "valkey"], ["up", "--only", "valkey,nats"]]
)
def test_a_second_supervisor_on_the_same_data_is_refused(
    start: StartPlatform, data_dir: Path, words: list[str]
) -> None:
    start("valkey")
    result = sbs(data_dir, *words)
    assert result.returncode == 1
    assert f"a supervisor already runs on {data_dir}" in result.stderr
    assert ("not ready there: nats" in result.stderr) == ("valkey,nats" in words)
    assert state(data_dir, "valkey") == "ready"


def test_a_taken_public_port_is_named_with_its_holder(data_dir: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        result = sbs(data_dir, "up", "--only", "nats,traefik", SBS_PORT_AGENTS=str(port))
    assert result.returncode == 1
    assert f"port {port} on 127.0.0.1 (agents) is in use" in result.stderr
    assert "SBS_PORT_AGENTS" in result.stderr
    assert status(data_dir).supervisor_pid is None


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_status_can_be_seen_by_an_ordinary_user_and_down_is_refused(
    start: StartPlatform, data_dir: Path
) -> None:
    start("valkey")
    nobody = pwd.getpwnam("nobody")
    setpriv = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    argv = [*setpriv, sys.executable, "-m", "sbs_server.roles.cli"]
    env = {"SBS_DATA_DIR": str(data_dir), "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    seen = subprocess.run([*argv, "status"], env=env, capture_output=True, text=True, check=False)
    assert seen.returncode == 0, seen.stderr
    refused = subprocess.run([*argv, "down"], env=env, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "another user" in refused.stderr
    assert state(data_dir, "valkey") == "ready"


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for an account that can't reach something")
def test_a_data_directory_out_of_reach_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    result = sbs(closed / "data", "up", "--only", "valkey")
    assert result.returncode == 1
    assert "can't be reached by the account 'sbs'" in result.stderr
    assert "SBS_DATA_DIR" in result.stderr or "chmod o+x" in result.stderr


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for an account that can't reach something")
def test_nothing_is_made_where_the_data_directory_can_not_be(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert sbs(closed / "further" / "data", "up", "--only", "valkey").returncode == 1
    assert list(closed.iterdir()) == []


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_an_ordinary_user_is_told_what_is_not_theirs(data_dir: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    setpriv = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    command = [*setpriv, sys.executable, "-m", "sbs_server.roles.cli"]
    data_dir.chmod(0o755)
    (data_dir / "logs").mkdir(mode=0o700)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
        return subprocess.run(
            [*command, *words], env=env, capture_output=True, text=True, check=False, cwd="/"
        )

    unreadable = run("logs", "--data-dir", str(data_dir))
    assert unreadable.returncode == 1
    assert f"{data_dir}/logs can't be read: Permission denied" in unreadable.stderr
    unwritable = run("up", "--only", "valkey", "--data-dir", str(data_dir / "new" / "x"))
    assert unwritable.returncode == 1
    assert f"{data_dir} is not writable" in unwritable.stderr
    assert unwritable.stderr.count("\n") == unreadable.stderr.count("\n") == 1


def test_logs_of_what_was_never_started_are_an_error(data_dir: Path) -> None:
    result = sbs(data_dir, "logs")
    assert result.returncode == 1
    assert f"there are no logs in {data_dir}/logs" in result.stderr


@pytest.mark.parametrize("flags", [[], ["--foreground"]])
def test_a_missing_restic_is_one_line_before_anything_starts(data_dir: Path, flags: list[str]) -> None:
    result = sbs(data_dir, "up", *flags, SBS_RESTIC=str(data_dir / "no-restic"))
    assert result.returncode == 1
    assert str(data_dir / "no-restic") in result.stderr
    assert (result.stdout, result.stderr.count("\n")) == ("", 1)
    assert list(data_dir.iterdir()) == []


def test_a_data_directory_that_is_a_file_is_named(data_dir: Path) -> None:
    shutil.rmtree(data_dir)
    data_dir.write_text("")
    try:
        result = sbs(data_dir, "up", "--only", "valkey")
    finally:
        data_dir.unlink()
        data_dir.mkdir()
    assert result.returncode == 1
    assert str(data_dir) in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_component_is_refused_with_those_that_exist(data_dir: Path) -> None:
    result = sbs(data_dir, "up", "--only", "postgre")
    assert result.returncode == 1
    assert "there is no component 'postgre'" in result.stderr
    assert "postgres" in result.stderr
