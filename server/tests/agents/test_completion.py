"""What an agent says reaches the activity that waits for it, and the people who look on."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update
from sqlalchemy.sql.dml import ReturningUpdate
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from sbs_protocol.events import (
    BackupResult,
    CommandFinished,
    CommandResult,
    CommandStarted,
    Heartbeat,
    Progress,
    message_id,
)
from sbs_server.agents import pulse
from sbs_server.config import Settings
from sbs_server.models import (
    Agent,
    Command,
    CommandState,
    HandledMessage,
    Outbox,
)
from sbs_server.testing.agent_events import Scene, finished, make_scene
from sbs_server.testing.bus import Databases, eventually, running_bus
from sbs_server.testing.database import make_tenant


@activity.defn(name="wait_for_agent")
async def wait_for_agent() -> dict[str, Any]:
    activity.raise_complete_async()


@workflow.defn(name="Tiny")
class Tiny:
    @workflow.run
    async def run(self, activity_id: str) -> dict[str, Any]:
        outcome: dict[str, Any] = await workflow.execute_activity(
            "wait_for_agent",
            activity_id=activity_id,
            start_to_close_timeout=timedelta(minutes=1),
            heartbeat_timeout=timedelta(seconds=30),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
        return outcome


@contextlib.asynccontextmanager
async def waiting_workflow(
    settings: Settings, scene: Scene
) -> AsyncIterator[WorkflowHandle[Any, dict[str, Any]]]:
    """A workflow whose activity waits for the scene's command."""
    temporal = await Client.connect(settings.temporal.address)
    queue = f"tiny-{uuid4().hex}"
    worker = Worker(
        temporal,
        task_queue=queue,
        workflows=[Tiny],
        activities=[wait_for_agent],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with worker:
        handle = await temporal.start_workflow(
            Tiny.run, f"{scene.command_id}.1", id=f"run-{scene.tenant.run_id.hex}", task_queue=queue
        )

        async def pending() -> bool:
            activities = (await handle.describe()).raw_description.pending_activities
            return len(activities) == 1 and activities[0].HasField("last_started_time")

        await eventually(pending, "the activity waits")
        yield handle


@pytest.fixture
async def waiting(scene: Scene, bus_settings: Settings) -> AsyncIterator[WorkflowHandle[Any, dict[str, Any]]]:
    async with waiting_workflow(bus_settings, scene) as handle:
        yield handle


async def test_the_end_of_a_command_completes_its_activity(
    scene: Scene, waiting: WorkflowHandle[Any, dict[str, Any]]
) -> None:
    await scene.say(1, finished(scene))
    outcome = await waiting.result()
    assert CommandFinished.model_validate(outcome).backup == BackupResult(snapshot_id="ab" * 32)


async def test_a_redelivered_end_completes_the_activity_that_was_missed(
    scene: Scene, waiting: WorkflowHandle[Any, dict[str, Any]]
) -> None:
    """As after a crash between commit and completion: handled before, never told."""
    body = finished(scene)
    async with scene.databases.app.transaction(scene.tenant.organization_id) as session:
        await session.execute(
            update(Command).values(state=CommandState.FINISHED, outcome=body.model_dump(mode="json"))
        )
        session.add(
            HandledMessage(
                organization_id=scene.tenant.organization_id,
                agent_id=scene.tenant.agent_id,
                message_id=message_id(scene.event(1, body)),
            )
        )
    await scene.say(1, body)
    assert (await waiting.result())["result"] == "succeeded"


async def test_an_end_that_could_not_be_told_is_told_when_temporal_is_back(
    bus_settings: Settings, databases: Databases
) -> None:
    nowhere = bus_settings.temporal.model_copy(update={"address": "127.0.0.1:1"})
    async with running_bus(bus_settings.model_copy(update={"temporal": nowhere})) as cut_off:
        scene = await make_scene(cut_off, databases)
        async with waiting_workflow(bus_settings, scene) as handle:
            await scene.say(1, finished(scene))
            await scene.handled(1)  # committed first
            assert (await cut_off.jetstream.stream_info("EVT")).state.messages == 1  # and not acknowledged
            async with running_bus(bus_settings) as bus:
                assert (await handle.result())["result"] == "succeeded"
                await replace(scene, bus=bus).settled()


async def test_heartbeats_keep_the_row_alive_and_carry_cancellation_to_the_agent(
    scene: Scene, waiting: WorkflowHandle[Any, dict[str, Any]]
) -> None:
    await scene.say(1, CommandStarted(command_id=scene.command_id, attempt=1))
    await scene.handled(1)
    async with scene.databases.app.transaction(scene.tenant.organization_id) as session:
        await session.execute(update(Command).values(last_heard_at=datetime.now(UTC) - timedelta(hours=1)))
    await waiting.cancel()
    beat = Heartbeat(protocol=1, boot_id="boot-1", active_commands=[scene.command_id, "nonsense"])

    async def told() -> bool:
        subject = f"hb.{scene.tenant.agent_id.hex}"
        await scene.bus.links.control.client.publish(subject, beat.model_dump_json().encode())
        return len(await scene.commands_sent()) == 1

    await eventually(told, "the agent is told to stop", within_s=30)
    row = await scene.row()
    assert row.cancel_requested_at is not None
    assert row.last_heard_at is not None
    assert datetime.now(UTC) - row.last_heard_at < timedelta(minutes=1)
    await scene.say(2, finished(scene, result=CommandResult.CANCELLED))
    assert (await waiting.result())["result"] == "cancelled"


async def test_a_heartbeat_of_another_agent_keeps_nothing_alive(scene: Scene) -> None:
    other = await make_tenant(scene.databases.app)
    beat = Heartbeat(protocol=1, boot_id="b", active_commands=[scene.command_id])

    async def other_is_seen() -> bool:
        subject = f"hb.{other.agent_id.hex}"
        await scene.bus.links.control.client.publish(subject, beat.model_dump_json().encode())
        async with scene.databases.app.transaction(other.organization_id) as session:
            return (await session.get_one(Agent, other.agent_id)).connected

    await eventually(other_is_seen, "the other agent's heartbeat has been heard")
    assert (await scene.row()).last_heard_at is None


async def test_progress_goes_to_whoever_looks_and_is_kept(scene: Scene, bus_settings: Settings) -> None:
    client = scene.bus.links.control.client
    organization, run = scene.tenant.organization_id.hex, scene.tenant.run_id.hex
    live = await client.subscribe(f"live.{organization}.{run}")
    stranger = (await make_tenant(scene.databases.app)).agent_id
    progress = Progress(
        protocol=1, command_id=scene.command_id, attempt=1, phase="transferring", bytes_done=5
    )
    stale = progress.model_copy(update={"attempt": 9})
    await client.publish(
        f"prg.{stranger.hex}", progress.model_copy(update={"bytes_done": 666}).model_dump_json().encode()
    )
    await client.publish(f"prg.{scene.tenant.agent_id.hex}", stale.model_dump_json().encode())

    async def kept() -> bool:
        await client.publish(f"prg.{scene.tenant.agent_id.hex}", progress.model_dump_json().encode())
        return bool(await scene.bus.outside.valkey.exists(f"run:{run}:progress"))

    await eventually(kept, "progress is in the cache")
    shown = json.loads((await live.next_msg(timeout=5)).data)
    assert (shown["run_id"], shown["bytes_done"], shown["attempt"]) == (run, 5, 1)
    assert 0 < await scene.bus.outside.valkey.ttl(f"run:{run}:progress") <= 3600


async def test_first_progress_is_noted_once_and_told(scene: Scene) -> None:
    client, subject = scene.bus.links.control.client, f"prg.{scene.tenant.agent_id.hex}"
    first = Progress(protocol=1, command_id=scene.command_id, attempt=1, phase="starting")
    await client.publish(subject, first.model_dump_json().encode())
    later = first.model_copy(update={"phase": "transferring"}).model_dump_json().encode()

    async def noted() -> bool:
        await client.publish(subject, later)
        return (await scene.row()).first_progress_at is not None

    await eventually(noted, "the first progress is in the row")
    before = (await scene.row()).first_progress_at
    for _ in range(3):
        await client.publish(subject, later)
    await scene.say(1, finished(scene))
    await scene.handled(1)
    assert (await scene.row()).first_progress_at == before
    async with scene.databases.system.transaction() as session:
        told = select(Outbox.payload).where(Outbox.aggregate == f"run:{scene.tenant.run_id.hex}")
        changes = [payload["type"] for payload in await session.scalars(told)]
    assert changes == ["run.changed.v1"]


async def test_first_progress_that_the_database_did_not_take_is_noted_with_the_next(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    begin = pulse._begin

    def begin_after_a_loss(command: pulse.OpenCommand) -> ReturningUpdate[str]:
        if not lost:
            lost.append(command.id)
            raise OSError("the connection is gone")
        return begin(command)

    monkeypatch.setattr(pulse, "_begin", begin_after_a_loss)
    progress = Progress(protocol=1, command_id=scene.command_id, attempt=1, phase="transferring")

    async def noted() -> bool:
        client, subject = scene.bus.links.control.client, f"prg.{scene.tenant.agent_id.hex}"
        await client.publish(subject, progress.model_dump_json().encode())
        return (await scene.row()).first_progress_at is not None

    await eventually(noted, "the first progress is in the row")
    assert lost == [scene.command_id]
