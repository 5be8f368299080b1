"""Each kind of effect on the real servers."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update
from temporalio import workflow
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from sbs_protocol.commands import BackupRun, CommandCancel, command_adapter
from sbs_protocol.identifiers import command_id, command_subject
from sbs_server.agents import commands
from sbs_server.config import Settings
from sbs_server.kit.ids import new_id
from sbs_server.messaging import outbox, streams
from sbs_server.messaging.connection import Link
from sbs_server.messaging.workflow_effects import WorkflowEffects
from sbs_server.models import Command, CommandState, Outbox, OutboxKind
from sbs_server.testing.bus import Databases
from sbs_server.testing.database import Tenant, make_tenant
from sbs_server.testing.relay import bus_effects, drain, lane

pytestmark = pytest.mark.usefixtures("empty_outbox")


# --- commands ---


@pytest.fixture
async def ordered(databases: Databases) -> Tenant:
    """A tenant whose command is ordered and in the outbox."""
    tenant = await make_tenant(databases.app)
    body = BackupRun(
        dataset_id=tenant.dataset_id,
        restic_repository_id=tenant.restic_repository_id,
        sources=["/srv/documents"],
        host="machine",
    )
    async with databases.app.transaction(tenant.organization_id) as session:
        session.add(
            Command(
                id=name_of(tenant),
                organization_id=tenant.organization_id,
                agent_id=tenant.agent_id,
                run_id=tenant.run_id,
                restic_repository_id=tenant.restic_repository_id,
                attempt=2,
                body=body.model_dump(mode="json"),
                workflow_id="w",
                activity_id="a",
                ordered_at=datetime.now(UTC),
            )
        )
        for extra in ({"attempt": 1}, {"attempt": 2}, {"attempt": 2, "cancel": True}):
            payload = {"agent_id": tenant.agent_id.hex, "command_id": name_of(tenant), **extra}
            aggregate = f"command:{name_of(tenant)}"
            await outbox.put(session, OutboxKind.COMMAND, aggregate, payload, tenant.organization_id)
    return tenant


def name_of(tenant: Tenant) -> str:
    return command_id(tenant.run_id, "backup", tenant.restic_repository_id)


async def test_a_command_and_its_cancellation_reach_the_agents_subject_in_order(
    bus_settings: Settings, databases: Databases, control: Link, ordered: Tenant
) -> None:
    await drain(
        lane(databases.system, bus_effects(bus_settings, control, databases.system)), databases.system
    )
    jetstream = control.client.jetstream()
    await streams.ensure_agent_consumer(jetstream, ordered.agent_id)
    subscription = await jetstream.pull_subscribe_bind(durable=f"a_{ordered.agent_id.hex}", stream="CMD")
    messages = [(await subscription.fetch(1, timeout=5))[0] for _ in range(2)]
    commands = [command_adapter.validate_json(message.data) for message in messages]
    assert [message.subject for message in messages] == [command_subject(ordered.agent_id)] * 2
    assert isinstance(commands[0].body, BackupRun)  # attempt 1 was ordered anew: it is not sent
    assert (commands[0].command_id, commands[0].attempt) == (name_of(ordered), 2)
    assert commands[1].body == CommandCancel(target_command_id=name_of(ordered))
    assert (await subscription.consumer_info()).num_pending == 0
    for message in messages:
        await message.ack_sync(timeout=5)


async def test_a_command_that_is_over_is_not_sent(
    bus_settings: Settings, databases: Databases, control: Link, ordered: Tenant
) -> None:
    async with databases.app.transaction(ordered.organization_id) as session:
        await session.execute(update(Command).values(state=CommandState.FINISHED))
    await drain(
        lane(databases.system, bus_effects(bus_settings, control, databases.system)), databases.system
    )
    info = await control.client.jetstream().stream_info(
        "CMD", subjects_filter=command_subject(ordered.agent_id)
    )
    assert not info.state.subjects


async def test_that_a_command_which_is_over_gets_no_further_attempt_is_told(
    bus_settings: Settings, databases: Databases, control: Link, ordered: Tenant
) -> None:
    async with databases.app.transaction(ordered.organization_id) as session:
        await session.execute(update(Command).values(state=CommandState.FINISHED))
        await commands.publish_final(session, await session.get_one(Command, name_of(ordered)))
    await drain(
        lane(databases.system, bus_effects(bus_settings, control, databases.system)), databases.system
    )
    jetstream = control.client.jetstream()
    await streams.ensure_agent_consumer(jetstream, ordered.agent_id)
    subscription = await jetstream.pull_subscribe_bind(durable=f"a_{ordered.agent_id.hex}", stream="CMD")
    [message] = await subscription.fetch(1, timeout=30)
    command = command_adapter.validate_json(message.data)
    assert command.body == CommandCancel(target_command_id=name_of(ordered))
    assert (await subscription.consumer_info()).num_pending == 0
    await message.ack_sync(timeout=5)


async def test_a_row_of_one_organization_does_not_stop_the_work_of_another(
    bus_settings: Settings, databases: Databases, control: Link, ordered: Tenant
) -> None:
    stranger = await make_tenant(databases.app)
    async with databases.system.transaction() as session:
        await session.execute(update(Outbox).values(organization_id=stranger.organization_id))
    relay = lane(databases.system, bus_effects(bus_settings, control, databases.system))
    assert await relay.once()
    async with databases.system.transaction() as session:
        failed = (await session.scalars(select(Outbox).where(Outbox.attempts > 0))).one()
    assert "another organization" in str(failed.last_error)
    info = await control.client.jetstream().stream_info(
        "CMD", subjects_filter=command_subject(ordered.agent_id)
    )
    assert not info.state.subjects


# --- workflows ---


@workflow.defn(name="Listening")
class Listening:
    def __init__(self) -> None:
        self._heard: list[str] = []

    @workflow.run
    async def run(self, given: dict[str, str]) -> list[str]:
        await workflow.wait_condition(lambda: len(self._heard) == 2)
        return [given["greeting"], *self._heard]

    @workflow.signal
    def say(self, word: str) -> None:
        self._heard.append(word)

    @workflow.signal
    def nothing(self) -> None:
        self._heard.append("nothing")


async def _no_schedules(job_id: UUID) -> None:
    raise AssertionError(f"nobody asked for a schedule of {job_id}")


async def test_workflows_are_started_once_and_told(bus_settings: Settings, databases: Databases) -> None:
    temporal = await Client.connect(bus_settings.temporal.address)
    queue, name = f"relay-{uuid4().hex}", f"listening-{uuid4().hex}"
    effects = WorkflowEffects(temporal, queue, _no_schedules).by_kind()
    start = {"workflow": "Listening", "workflow_id": name, "input": {"greeting": "hello"}}
    async with databases.system.transaction() as session:
        for kind, payload in (
            (OutboxKind.WORKFLOW_START, start),
            (OutboxKind.WORKFLOW_START, start),
            (OutboxKind.WORKFLOW_SIGNAL, {"workflow_id": name, "signal": "say", "input": "one"}),
            (OutboxKind.WORKFLOW_SIGNAL, {"workflow_id": name, "signal": "nothing", "input": None}),
            (OutboxKind.WORKFLOW_SIGNAL, {"workflow_id": "never-was", "signal": "say", "input": "x"}),
        ):
            await outbox.put(session, kind, "run:1", payload, None)
    await drain(lane(databases.system, effects), databases.system)
    runner = UnsandboxedWorkflowRunner()
    async with Worker(temporal, task_queue=queue, workflows=[Listening], workflow_runner=runner):
        result = await temporal.get_workflow_handle(name).result()
    assert result == ["hello", "one", "nothing"]
    # A start that comes after the end starts nothing either.
    async with databases.system.transaction() as session:
        await outbox.put(session, OutboxKind.WORKFLOW_START, "run:1", start, None)
    await drain(lane(databases.system, effects), databases.system)
    assert (await temporal.get_workflow_handle(name).describe()).status == WorkflowExecutionStatus.COMPLETED
    async with databases.system.transaction() as session:
        assert await session.scalar(select(func.count()).where(Outbox.parked_at.is_not(None))) == 0


async def test_a_schedule_is_handed_to_whoever_keeps_schedules(
    bus_settings: Settings, databases: Databases
) -> None:
    asked: list[UUID] = []

    async def sync(job_id: UUID) -> None:
        asked.append(job_id)

    temporal = await Client.connect("127.0.0.1:1", lazy=True)
    job = new_id()
    async with databases.system.transaction() as session:
        await outbox.put(session, OutboxKind.SCHEDULE_SYNC, f"job:{job.hex}", {"job_id": job.hex}, new_id())
    await drain(lane(databases.system, WorkflowEffects(temporal, "q", sync).by_kind()), databases.system)
    assert asked == [job]


async def test_a_workflow_server_that_is_down_parks_nothing(
    bus_settings: Settings, databases: Databases
) -> None:
    temporal = await Client.connect("127.0.0.1:1", lazy=True)
    effects = WorkflowEffects(temporal, "q", _no_schedules).by_kind()
    async with databases.system.transaction() as session:
        payload = {"workflow_id": "w", "signal": "say", "input": "x"}
        await outbox.put(session, OutboxKind.WORKFLOW_SIGNAL, "run:1", payload, None)
    relay = lane(databases.system, effects)
    for _ in range(4):
        await relay.once()
        async with databases.system.transaction() as session:
            await session.execute(update(Outbox).values(next_attempt_at=func.now()))
    async with databases.system.transaction() as session:
        row = (await session.scalars(select(Outbox))).one()
    assert row.attempts == 4
    assert row.parked_at is None
    assert row.published_at is None
