"""The real agent process, a real nats-server, real restic: what must survive what happens in life."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psutil
import pytest

from sbs_agent.config import StateDirectory
from sbs_agent.enrol import enrol, parse_token
from sbs_agent.testing.agent_process import AgentProcess
from sbs_agent.testing.bus import ControlSide
from sbs_agent.testing.site import Site
from sbs_protocol.commands import BackupRun, CommandCancel, ConflictPolicy, RestoreRun
from sbs_protocol.events import CommandResult, ErrorCode, Heartbeat, Hello, Progress
from sbs_protocol.identifiers import command_id
from sbs_restic.cli.commands import snapshots
from sbs_restic.cli.locate import Located
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository

REPOSITORY = UUID(int=7)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "a.txt").write_text("first")
    (folder / "deep" / "er" / "b.bin").write_bytes(os.urandom(300_000))
    return folder


def _id(step: str = "backup") -> str:
    return command_id(uuid4(), step, uuid4())


def _backup(*sources: Path) -> BackupRun:
    return BackupRun(
        dataset_id=uuid4(), restic_repository_id=REPOSITORY, sources=[str(s) for s in sources], host="machine"
    )


async def _count(runner: Runner, repository: Repository) -> int:
    return len(await snapshots.run(runner, repository))


async def test_a_backup_and_its_restore_go_all_the_way(
    agent: AgentProcess, control: ControlSide, source: Path, tmp_path: Path
) -> None:
    await control.connect()
    agent.start()
    await control.until(lambda: control.of_kind("hello"))
    backup = await control.send(_id(), _backup(source))
    await control.until(control.outcomes)
    outcome = control.outcomes()[0]
    assert (outcome.command_id, outcome.result) == (backup.command_id, CommandResult.SUCCEEDED)
    assert outcome.backup is not None
    assert outcome.backup.snapshot_id is not None
    body = RestoreRun(
        restic_repository_id=REPOSITORY,
        restic_snapshot_id=outcome.backup.snapshot_id,
        target_folder=str(tmp_path / "back"),
        policy=ConflictPolicy.REFUSE,
    )
    await control.send(_id("restore"), body)
    await control.until(lambda: len(control.outcomes()) == 2)
    restored = control.outcomes()[1]
    assert restored.result is CommandResult.SUCCEEDED, restored.problem
    copy = Path(f"{tmp_path / 'back'}{source}")
    assert (copy / "deep/er/b.bin").read_bytes() == (source / "deep/er/b.bin").read_bytes()


async def test_events_leave_in_order_with_their_message_ids_and_the_hello_first(
    agent: AgentProcess, control: ControlSide, source: Path
) -> None:
    await control.connect()
    agent.start()
    await control.send(_id(), _backup(source))
    await control.until(control.outcomes)
    kinds = [event.body.kind for event in control.events]
    assert kinds == ["hello", "command.accepted", "command.started", "command.finished"]
    hello = control.events[0].body
    assert isinstance(hello, Hello)
    assert hello.restic_version is not None
    assert [event.sequence for event in control.events] == sorted(event.sequence for event in control.events)
    for message, event in zip(control.messages, control.events, strict=True):
        assert message.headers is not None
        assert message.headers["Nats-Msg-Id"] == f"{event.epoch}-{event.sequence}"


async def test_the_same_command_twice_is_done_once_and_answered_twice(
    agent: AgentProcess, control: ControlSide, source: Path, runner: Runner, repository: Repository
) -> None:
    await control.connect()
    agent.start()
    backup = await control.send(_id(), _backup(source))
    await control.until(control.outcomes)
    await control.send(backup.command_id, backup.body)
    await control.until(lambda: len(control.outcomes()) == 2)
    assert control.outcomes()[0] == control.outcomes()[1]
    assert await _count(runner, repository) == 1


async def test_a_killed_agent_takes_restic_with_it_and_reports_the_end_after_its_restart(
    agent: AgentProcess,
    control: ControlSide,
    site: Site,
    source: Path,
    runner: Runner,
    repository: Repository,
) -> None:
    await control.connect()
    site.plane.store.hold()
    agent.start()
    backup = await control.send(_id(), _backup(source))
    await control.until(site.plane.store.uploading.is_set)
    restic = agent.restic_processes()
    assert restic != []
    agent.kill()
    psutil.wait_procs(restic, timeout=10)
    assert [p for p in restic if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
    site.plane.store.release()
    agent.start()
    await control.until(control.outcomes)
    outcome = control.outcomes()[0]
    assert (outcome.command_id, outcome.result) == (backup.command_id, CommandResult.FAILED)
    assert outcome.problem is not None
    assert (outcome.problem.code, outcome.problem.retryable) == (ErrorCode.AGENT_RESTARTED, True)
    assert site.plane.store.locks() == []
    assert await _count(runner, repository) == 0
    second = await control.send(backup.command_id, backup.body, attempt=2)
    await control.until(lambda: len(control.outcomes()) == 2)
    assert control.outcomes()[1].attempt == second.attempt
    assert control.outcomes()[1].result is CommandResult.SUCCEEDED
    assert await _count(runner, repository) == 1


async def test_a_second_attempt_adopts_the_snapshot_of_the_first(
    agent: AgentProcess, control: ControlSide, source: Path, runner: Runner, repository: Repository
) -> None:
    await control.connect()
    agent.start()
    first = await control.send(_id(), _backup(source))
    await control.until(control.outcomes)
    await control.send(first.command_id, first.body, attempt=2)
    await control.until(lambda: len(control.outcomes()) == 2)
    one, two = control.outcomes()
    assert one.backup is not None
    assert two.backup is not None
    assert two.backup.snapshot_id == one.backup.snapshot_id
    assert two.backup.bytes_processed == one.backup.bytes_processed
    assert await _count(runner, repository) == 1


async def test_a_terminated_agent_stops_restic_and_says_so(
    agent: AgentProcess, control: ControlSide, site: Site, source: Path
) -> None:
    await control.connect()
    site.plane.store.hold()
    agent.start()
    await control.send(_id(), _backup(source))
    await control.until(site.plane.store.uploading.is_set)
    stopping = asyncio.create_task(asyncio.to_thread(agent.terminate))
    await control.until(lambda: "stopping" in agent.log)
    site.plane.store.release()
    assert await stopping == 0
    await control.until(control.outcomes)
    problem = control.outcomes()[0].problem
    assert problem is not None
    assert (problem.code, problem.retryable) == (ErrorCode.AGENT_RESTARTED, True)
    assert site.plane.store.locks() == []


async def test_cancelling_stops_restic_and_leaves_no_lock(
    agent: AgentProcess,
    control: ControlSide,
    site: Site,
    source: Path,
    runner: Runner,
    repository: Repository,
) -> None:
    await control.connect()
    site.plane.store.hold()
    agent.start()
    backup = await control.send(_id(), _backup(source))
    await control.until(site.plane.store.uploading.is_set)
    await control.send(_id("cancel"), CommandCancel(target_command_id=backup.command_id))
    await control.until(lambda: '"event": "cancel"' in agent.log)
    site.plane.store.release()
    await control.until(control.outcomes)
    assert control.outcomes()[0].result is CommandResult.CANCELLED
    assert control.outcomes()[0].problem is None
    assert site.plane.store.locks() == []
    assert await _count(runner, repository) == 0


async def test_a_cancellation_that_comes_first_is_remembered(
    agent: AgentProcess, control: ControlSide, site: Site, source: Path
) -> None:
    await control.connect()
    agent.start()
    command = _id()
    await control.send(_id("cancel"), CommandCancel(target_command_id=command))
    await control.send(command, _backup(source))
    await control.until(control.outcomes)
    assert control.outcomes()[0].result is CommandResult.CANCELLED
    assert site.plane.seen_secrets == []


async def test_two_commands_on_one_repository_run_one_after_the_other(
    agent: AgentProcess, control: ControlSide, site: Site, source: Path, tmp_path: Path
) -> None:
    await control.connect()
    site.plane.store.hold()
    agent.start()
    await control.send(_id(), _backup(source))
    await control.until(site.plane.store.uploading.is_set)
    other = tmp_path / "other"
    other.mkdir()
    (other / "c").write_bytes(os.urandom(1000))
    await control.send(_id(), _backup(other))
    await control.until(lambda: len(control.of_kind("command.accepted")) == 2)
    assert len(control.of_kind("command.started")) == 1
    site.plane.store.release()
    await control.until(lambda: len(control.outcomes()) == 2)
    order = [e.body.kind for e in control.events if e.body.kind in {"command.started", "command.finished"}]
    assert order == ["command.started", "command.finished"] * 2


async def test_the_agent_waits_for_its_queue_and_says_hello_until_there_is_one(
    agent: AgentProcess, control: ControlSide, source: Path
) -> None:
    await control.connect(consumer=False)
    agent.start()
    await control.until(lambda: len(control.of_kind("hello")) >= 2)
    await control.send(_id(), _backup(source))
    await control.make_consumer()
    await control.until(control.outcomes)


async def test_nothing_is_lost_when_nats_is_killed_in_the_middle(
    agent: AgentProcess, control: ControlSide, site: Site, source: Path
) -> None:
    await control.connect()
    site.plane.store.hold()
    agent.start()
    backup = await control.send(_id(), _backup(source))
    await control.until(site.plane.store.uploading.is_set)
    site.nats.kill()
    await agent.until_online(online=False)
    site.plane.store.release()
    await control.until(lambda: '"event": "finished"' in agent.log)
    site.nats.start()
    await control.until(control.outcomes)
    assert [(o.command_id, o.result) for o in control.outcomes()] == [
        (backup.command_id, CommandResult.SUCCEEDED)
    ]
    # The consumer, which lives in memory, is gone too: there may be further hellos after the one that tells.
    told = [hello.open_commands for hello in _hellos(control)[1:]]
    assert [(c.command_id, c.state) for c in told[0]] == [(backup.command_id, "finished")]


def _hellos(control: ControlSide) -> list[Hello]:
    return [event.body for event in control.events if isinstance(event.body, Hello)]


async def test_a_refused_agent_says_why_and_does_not_hammer(agent: AgentProcess, site: Site) -> None:
    site.nats.start(refuse_everybody=True)
    agent.start()
    await agent.until_online(online=False)
    while (status := agent.status()) is None or "revoked" not in (status.reason or ""):  # noqa: ASYNC110 - of a file
        await asyncio.sleep(0.05)
    assert agent.log.count('"event": "offline"') == 1
    assert agent.terminate() == 0


async def test_an_agent_starts_without_nats_and_connects_when_it_comes(
    agent: AgentProcess, site: Site
) -> None:
    agent.start()
    await agent.until_online(online=False)
    site.nats.start()
    await agent.until_online()


async def test_a_certificate_is_renewed_while_the_agent_runs(
    site: Site, state: StateDirectory, control: ControlSide, restic: Located
) -> None:
    site.plane.lifetime = (timedelta(days=-80), timedelta(days=10))
    await enrol(state, site.servers.address, parse_token(site.plane.new_token()))
    old = state.read_certificate()
    await control.connect()
    agent = AgentProcess(state.path, restic.path)
    agent.start()
    try:
        await control.until(
            lambda: state.read_certificate() != old and not state.previous_certificate_file.exists()
        )
        await control.until(lambda: '"event": "certificate renewed"' in agent.log)
        await agent.until_online()
    finally:
        agent.close()
    assert len(site.plane.renewals) == 1


async def test_heartbeats_and_progress_are_heard(
    agent: AgentProcess, control: ControlSide, site: Site, source: Path
) -> None:
    await control.connect()
    site.plane.store.hold()
    agent.start()
    backup = await control.send(_id(), _backup(source))
    await control.until(site.plane.store.uploading.is_set)

    def alive() -> bool:
        beats = [
            Heartbeat.model_validate_json(data) for subject, data in control.core if subject.startswith("hb.")
        ]
        return any(beat.active_commands == [backup.command_id] for beat in beats)

    await control.until(alive)
    steps = [
        Progress.model_validate_json(data) for subject, data in control.core if subject.startswith("prg.")
    ]
    assert {step.command_id for step in steps} == {backup.command_id}
    site.plane.store.release()
    await control.until(control.outcomes)


async def test_secrets_that_are_not_to_be_had_yet_are_asked_for_again(
    agent: AgentProcess, control: ControlSide, site: Site, source: Path
) -> None:
    await control.connect()
    site.plane.secrets_unavailable = True
    agent.start()
    await control.send(_id(), _backup(source))
    await control.until(lambda: len(site.plane.seen_secrets) >= 2)
    site.plane.secrets_unavailable = False
    await control.until(control.outcomes)
    assert control.outcomes()[0].result is CommandResult.SUCCEEDED


async def test_refused_secrets_end_the_command(
    agent: AgentProcess, control: ControlSide, site: Site, source: Path
) -> None:
    await control.connect()
    site.plane.secrets_refused = True
    agent.start()
    await control.send(_id(), _backup(source))
    await control.until(control.outcomes)
    problem = control.outcomes()[0].problem
    assert problem is not None
    assert (problem.code, problem.retryable) == (ErrorCode.SECRETS_REFUSED, False)


async def test_a_command_that_can_not_be_read_is_answered(agent: AgentProcess, control: ControlSide) -> None:
    await control.connect()
    agent.start()
    await control.send_bytes(b"not even json")
    await control.send_bytes(b'{"command_id": "x", "attempt": 1, "body": {"kind": "format.disk"}}')
    await control.until(control.outcomes)
    problem = control.outcomes()[0].problem
    assert problem is not None
    assert problem.code is ErrorCode.COMMAND_INVALID
    assert "body" in problem.message


async def test_the_password_is_in_no_log_and_no_file_of_the_agent(
    agent: AgentProcess, control: ControlSide, site: Site, source: Path
) -> None:
    await control.connect()
    agent.start()
    await control.send(_id(), _backup(source))
    await control.until(control.outcomes)
    assert agent.terminate() == 0
    password = site.plane.password
    assert password not in agent.log
    found = [f for f in agent.state.rglob("*") if f.is_file() and password.encode() in f.read_bytes()]
    assert found == []
