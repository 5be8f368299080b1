"""`sbs` as an administrator uses it: sign in, start a job and follow it, look, get a file back, restore."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from demo.platform import SBS
from tests.harness.installation import EMAIL, Agent, Installation

Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def sbs(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Done]:
    """Runs `sbs` with a session of its own; gives back what it printed and its exit code."""
    session = tmp_path_factory.mktemp("cli") / "session.json"

    def run(*words: str, interrupt_at: str = "") -> Done:
        command = [*SBS, *words, "--session-file", str(session)]
        env = {"PATH": os.environ["PATH"], "HOME": str(session.parent), "COLUMNS": "200"}
        if not interrupt_at:
            return subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        pipe = subprocess.PIPE
        with subprocess.Popen(command, env=env, stdout=pipe, stderr=pipe, text=True) as process:
            assert process.stderr is not None
            try:
                before = next(line for line in process.stderr if interrupt_at in line)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=60)
            finally:
                process.kill()
        return Done(command, process.returncode, out, before + err)

    def sign_in() -> Done:
        return run(
            "login",
            f"--email={EMAIL}",
            f"--url={installation.url}",
            f"--ca-file={installation.root_certificate}",
            f"--password-file={installation.password_file}",
        )

    assert run("whoami").returncode == 5
    assert sign_in().returncode == 0
    assert session.stat().st_mode & 0o777 == 0o600
    return run


def _json(done: Done) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def job(sbs: Callable[..., Done], installation: Installation, agent: Agent) -> dict[str, Any]:
    """A job made by the command line, in a repository made by it too."""
    agent.write("report.txt", b"quarterly figures")
    path = installation.data_dir / "storage" / "from-the-cli"
    _json(sbs("repositories", "create", "cli place", f"--path={path}", "--json"))
    made: dict[str, Any] = _json(
        sbs(
            "jobs",
            "create",
            "cli job",
            f"--source={agent.folder / 'documents'}",
            f"--agent={agent.id}",
            "--repository=cli place",
            "--cron=30 2 * * *",
            "--time-zone=Europe/Moscow",
            "--json",
        )
    )
    return made


def test_it_knows_who_is_signed_in(sbs: Callable[..., Done], installation: Installation) -> None:
    said = _json(sbs("whoami", "--json"))
    assert (said["email"], said["organization"]) == (EMAIL, installation.organization)


def test_agents_are_listed_for_people_and_for_programs(sbs: Callable[..., Done], agent: Agent) -> None:
    assert agent.id in {row["id"] for row in _json(sbs("agents", "list", "--json"))}
    table = sbs("agents", "list")
    assert "CONNECTED" in table.stdout
    assert "Traceback" not in table.stderr


def test_a_job_is_run_watched_browsed_downloaded_and_restored(
    sbs: Callable[..., Done], job: dict[str, Any], agent: Agent, tmp_path: Path
) -> None:
    run = _json(sbs("jobs", "run", "cli job", "--watch", "--json"))
    assert run["state"] == "succeeded"
    file = agent.folder / "documents" / "report.txt"
    assert [
        row["name"] for row in _json(sbs("snapshots", "ls", run["snapshot_id"], str(file.parent), "--json"))
    ] == ["report.txt"]
    copy = tmp_path / "report.txt"
    assert sbs("snapshots", "download", run["snapshot_id"], str(file), "-o", str(copy)).returncode == 0
    assert copy.read_bytes() == b"quarterly figures"
    target = agent.folder / "from the cli"
    done = sbs("restore", run["snapshot_id"], f"--target={target}", "--policy=refuse", "--watch", "--json")
    assert _json(done)["state"] == "succeeded"
    assert Path(f"{target}{file}").read_bytes() == b"quarterly figures"
    again = sbs("restore", run["snapshot_id"], f"--target={target}", "--policy=refuse", "--watch")
    assert again.returncode == 1
    assert "target_exists: " in again.stdout


def test_the_beginning_of_an_id_is_enough(
    sbs: Callable[..., Done], job: dict[str, Any], agent: Agent
) -> None:
    run = _json(sbs("jobs", "run", "cli job", "--watch", "--json"))
    for words, wanted in (
        (("runs", "show"), run["id"]),
        (("snapshots", "show"), run["snapshot_id"]),
        (("jobs", "show"), job["id"]),
        (("agents", "show"), agent.id),
    ):
        assert _json(sbs(*words, wanted[:30], "--json"))["id"] == wanted
    several = sbs("runs", "show", run["id"][:6])
    assert (several.returncode, run["id"] in several.stderr) in {(2, True), (0, False)}
    listed = sbs("runs", "list")  # through a pipe: each run in one line
    assert [line for line in listed.stdout.splitlines() if line.startswith(run["id"]) and "cli job" in line]


def test_a_job_is_changed_paused_resumed_and_ended(sbs: Callable[..., Done], agent: Agent) -> None:
    create = ("jobs", "create", "short-lived", "--source=/srv", f"--agent={agent.id}")
    made = _json(sbs(*create, "--repository=cli place", "--cron=1 2 * * *", "--json"))
    edited = _json(sbs("jobs", "edit", "short-lived", "--name=renamed", "--keep-last=3", "--json"))
    assert (edited["name"], edited["keep_last"], edited["cron"]) == ("renamed", 3, "1 2 * * *")
    by_hand = _json(sbs("jobs", "edit", "renamed", "--no-schedule", "--keep-last=0", "--json"))
    assert (by_hand["cron"], by_hand["keep_last"], by_hand["sources"]) == (None, None, ["/srv"])
    assert sbs("jobs", "edit", "renamed").returncode == 2
    assert _json(sbs("jobs", "pause", made["id"][:30], "--json"))["paused"] is True
    assert _json(sbs("jobs", "resume", "renamed", "--json"))["paused"] is False
    assert sbs("jobs", "delete", "renamed", "--yes").returncode == 0
    assert "none of the jobs matches" in sbs("jobs", "show", "renamed").stderr


def test_a_repository_is_renamed_and_forgotten(sbs: Callable[..., Done], installation: Installation) -> None:
    path = installation.data_dir / "storage" / "forgotten"
    _json(sbs("repositories", "create", "to forget", f"--path={path}", "--json"))
    assert _json(sbs("repositories", "rename", "to forget", "other name", "--json"))["name"] == "other name"
    assert sbs("repositories", "delete", "other name", "--yes").returncode == 0
    assert path.exists()


def test_enrolment_tokens_are_listed_and_revoked(sbs: Callable[..., Done]) -> None:
    made = _json(sbs("agents", "token", "--name=for nobody", "--json"))
    listed = {row["name"]: row for row in _json(sbs("agents", "tokens", "list", "--json"))}
    assert listed["for nobody"]["id"] == made["id"]
    assert "token" not in listed["for nobody"]
    assert _json(sbs("agents", "tokens", "revoke", "for nobody", "--json"))["revoked_at"] is not None


def test_the_port_of_agents_is_told_from_the_console(
    sbs: Callable[..., Done], installation: Installation
) -> None:
    common = (f"--email={EMAIL}", f"--password-file={installation.password_file}")
    for port in ("agents", "nats_public"):
        url = f"https://localhost:{installation.services.ports[port]}"
        wrong = sbs("login", *common, f"--url={url}", f"--ca-file={installation.root_certificate}")
        assert wrong.returncode == 6
        assert "this port is for agents" in wrong.stderr


def test_ctrl_c_ends_the_watching_and_not_the_run(
    sbs: Callable[..., Done], job: dict[str, Any], agent: Agent
) -> None:
    agent.stop()  # so that the run is not over before it is looked at
    try:
        done = sbs("jobs", "run", "cli job", "--watch", interrupt_at="run ")
    finally:
        agent.start()
    assert done.returncode == 130
    (run_id,) = re.findall("`sbs runs watch (.*?)` follows it again", done.stderr)
    assert "Traceback" not in done.stderr
    assert _json(sbs("runs", "watch", run_id, "--json"))["state"] == "succeeded"


def test_warnings_have_an_exit_code_of_their_own(
    sbs: Callable[..., Done], job: dict[str, Any], agent: Agent
) -> None:
    locked = agent.write("locked.txt", b"locked")
    locked.chmod(0)
    done = sbs("jobs", "run", "cli job", "--watch", "--json")
    locked.chmod(0o600)
    locked.unlink()
    assert done.returncode == 3, done.stderr
    listed = _json(sbs("runs", "warnings", json.loads(done.stdout)["id"], "--json"))
    assert [row["path"] for row in listed] == [str(locked)]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("jobs", "run", "no such job"), 2, "none of the jobs matches"),
        (("runs", "show", "00000000-0000-0000-0000-000000000000"), 1, "There is nothing here"),
        (("agents", "show", "abc"), 2, "none of the agents matches"),
        (("restore", "x", "--target=/t", "--policy=maybe"), 2, "maybe"),
    ],
)
def test_mistakes_get_one_clear_line_and_an_exit_code(
    sbs: Callable[..., Done], words: tuple[str, ...], code: int, said: str
) -> None:
    done = sbs(*words)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_password_and_a_wrong_authority_are_told_apart(
    sbs: Callable[..., Done], installation: Installation, tmp_path: Path
) -> None:
    wrong = tmp_path / "password"
    wrong.write_text("not the password")
    common = ("login", f"--email={EMAIL}", f"--url={installation.url}")
    refused = sbs(*common, f"--ca-file={installation.root_certificate}", f"--password-file={wrong}")
    assert refused.returncode == 5
    untrusted = sbs(*common, f"--password-file={installation.password_file}")
    assert untrusted.returncode == 6
    assert "certificate" in untrusted.stderr.lower()
    assert sbs("whoami").returncode == 0
