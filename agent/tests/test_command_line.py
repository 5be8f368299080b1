"""What a person sees: one line and an exit code for each error, a doctor that works without a control plane."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from sbs_agent.config import StateDirectory
from sbs_agent.keys import pending_key, save_certificate
from sbs_agent.platform.linux import Linux
from sbs_agent.platform.systemd import unit_text
from sbs_agent.testing.agent_process import AgentProcess
from sbs_agent.testing.bus import ControlSide
from sbs_agent.testing.pki import Authority
from sbs_agent.testing.site import Site
from sbs_restic.cli.locate import Located

CHECKOUT = Path(__file__).resolve().parents[2]


def _run(*arguments: str, token: str | None = None, restic: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SBS_RESTIC": restic} if restic else dict(os.environ)
    environment.pop("SBS_ENROL_TOKEN", None)
    return subprocess.run(
        [sys.executable, "-m", "sbs_agent", *arguments],
        input=token,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=60,
    )


def _checks(output: str) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in json.loads(output)["checks"]}


def test_enrolment_takes_its_token_from_stdin_and_not_from_argv(site: Site, state: StateDirectory) -> None:
    token = site.plane.new_token()
    done = _run(
        "enrol", site.servers.address, "--token-file", "-", "--state-dir", str(state.path), token=token
    )
    assert done.returncode == 0, done.stderr
    assert site.plane.agent_id.hex in done.stdout
    assert state.is_enrolled()
    again = _run(
        "enrol", site.servers.address, "--token-file", "-", "--state-dir", str(state.path), token=token
    )
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1
    assert "--force" in again.stderr
    assert token not in done.stdout + done.stderr + again.stderr


@pytest.mark.parametrize("command", ["run", "status"])
def test_an_agent_that_is_not_enrolled_says_so_in_one_line(state: StateDirectory, command: str) -> None:
    done = _run(command, "--state-dir", str(state.path))
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("sbs-agent: this machine is not enrolled")
    assert "Traceback" not in done.stderr


def test_a_log_style_that_is_none_is_refused(state: StateDirectory) -> None:
    done = _run("run", "--log", "xml", "--state-dir", str(state.path))
    assert done.returncode == 2
    assert "'xml'" in done.stderr


def test_a_malformed_token_is_one_line(state: StateDirectory) -> None:
    done = _run("enrol", "localhost:1", "--token-file", "-", "--state-dir", str(state.path), token="nonsense")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "nonsense" not in done.stderr


def test_a_token_file_that_is_not_there_is_one_line(state: StateDirectory) -> None:
    done = _run("enrol", "localhost:1", "--token-file", "/no/such", "--state-dir", str(state.path))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "/no/such" in done.stderr


def test_without_a_terminal_the_ways_to_give_a_token_are_told(state: StateDirectory) -> None:
    done = _run("enrol", "localhost:1", "--state-dir", str(state.path), token="secret\n")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)  # one line, and no warning above it
    assert "--token-file - with the token on standard input" in done.stderr
    assert "secret" not in done.stderr


def test_the_end_of_a_connection_is_not_told_of_by_asyncio_too() -> None:
    code = (
        "import logging; from sbs_agent import logs; logs.configure(logs.Style.JSON);"
        " asyncio = logging.getLogger('asyncio');"
        " asyncio.warning('returning true from eof_received() has no effect when using ssl');"
        " asyncio.warning('another warning')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["another warning"]


async def test_doctor_is_content_with_a_healthy_agent(
    enrolled: StateDirectory, control: ControlSide, restic: Located
) -> None:
    await control.connect()
    done = _run("doctor", "--json", "--state-dir", str(enrolled.path), restic=str(restic.path))
    assert done.returncode == 0, done.stdout
    assert set(_checks(done.stdout).values()) == {"ok"}


async def test_doctor_works_with_the_control_plane_gone(
    enrolled: StateDirectory, site: Site, restic: Located
) -> None:
    site.servers.close()
    done = _run("doctor", "--json", "--state-dir", str(enrolled.path), restic=str(restic.path))
    assert done.returncode == 1
    checks = _checks(done.stdout)
    assert (checks["server"], checks["bus"], checks["clock"]) == ("failed", "failed", "skipped")
    assert checks["restic"] == checks["certificate"] == checks["state directory"] == "ok"


async def test_doctor_tells_a_refused_certificate(
    enrolled: StateDirectory, site: Site, restic: Located
) -> None:
    site.nats.start(refuse_everybody=True)
    while not site.nats.listens():  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.02)
    done = _run("doctor", "--state-dir", str(enrolled.path), restic=str(restic.path))
    assert done.returncode == 1
    assert "revoked" in done.stdout
    assert done.stderr == ""


async def test_doctor_tells_a_certificate_of_another_authority(
    enrolled: StateDirectory, site: Site, restic: Located
) -> None:
    pending = pending_key(enrolled, "foreign")
    foreign = Authority("another").issue_for_csr(pending.csr_pem, uuid4(), uuid4())
    save_certificate(enrolled.certificate_file, foreign, pending.key_pem)
    site.nats.start()
    while not site.nats.listens():  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.02)
    done = _run("doctor", "--json", "--state-dir", str(enrolled.path), restic=str(restic.path))
    assert done.stderr == ""
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    for name in ("server TLS", "bus accepts us"):
        assert checks[name]["verdict"] == "failed"
        assert "refuses this machine's certificate" in checks[name]["text"], checks[name]


async def test_doctor_sees_open_permissions_a_foreign_key_and_a_missing_restic(
    enrolled: StateDirectory, tmp_path: Path
) -> None:
    pem = enrolled.read_certificate()
    other = pending_key(enrolled, "other").key_pem
    enrolled.certificate_file.write_bytes(pem[: pem.index(b"-----BEGIN PRIVATE KEY-----")] + other)
    enrolled.certificate_file.chmod(0o644)
    enrolled.journal_file.write_bytes(b"damaged" * 1000)
    done = _run("doctor", "--json", "--state-dir", str(enrolled.path), restic=str(tmp_path / "no-restic"))
    checks = _checks(done.stdout)
    for name in ("state directory", "certificate", "restic", "journal"):
        assert checks[name] == "failed", (name, done.stdout)
    for check in json.loads(done.stdout)["checks"]:
        assert check["hint"] or check["verdict"] != "failed"


def test_doctor_of_a_machine_that_is_not_enrolled_says_what_to_do(state: StateDirectory) -> None:
    done = _run("doctor", "--state-dir", str(state.path))
    assert done.returncode == 1
    assert "sbs-agent enrol" in done.stdout


async def test_status_tells_online_and_the_last_results(
    agent: AgentProcess, control: ControlSide, enrolled: StateDirectory
) -> None:
    await control.connect()
    stopped = _run("status", "--state-dir", str(enrolled.path))
    assert "not running" in stopped.stdout
    agent.start()
    await agent.until_online()
    shown = _run("status", "--state-dir", str(enrolled.path))
    assert "online since" in shown.stdout
    assert (
        json.loads(_run("status", "--json", "--state-dir", str(enrolled.path)).stdout)["status"]["online"]
        is True
    )
    agent.kill()
    killed = _run("status", "--state-dir", str(enrolled.path))
    assert "not running" in killed.stdout


async def test_a_second_agent_in_the_same_state_is_refused(
    agent: AgentProcess, control: ControlSide, enrolled: StateDirectory
) -> None:
    await control.connect()
    agent.start()
    await agent.until_online()
    second = _run("run", "--state-dir", str(enrolled.path))
    assert second.returncode == 1
    assert "another sbs-agent process" in second.stderr


def test_the_packaged_unit_is_the_one_that_install_writes() -> None:
    packaged = (CHECKOUT / "packaging" / "linux" / "sbs-agent.service").read_text()
    assert packaged == unit_text("/usr/bin/sbs-agent", Path("/var/lib/sbs-agent"))


def test_a_service_is_not_installed_where_systemd_does_not_run(state: StateDirectory) -> None:
    if Path("/run/systemd/system").is_dir():
        pytest.skip("systemd runs here: this would install a service")
    done = _run("service", "install", "--state-dir", str(state.path))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


def test_linux_knows_its_places() -> None:
    assert Linux().describe().os == "linux"
    assert Linux().state_directory().name == "sbs-agent"
