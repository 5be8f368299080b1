"""What agents say, on the real bus: each event is handled once, and what follows is done however often it comes."""

import json

import pytest
from sqlalchemy import func, select, update

from sbs_protocol.commands import BackupRun, CommandCancel, command_adapter
from sbs_protocol.events import (
    CommandAccepted,
    CommandResult,
    CommandStarted,
    CommandWarnings,
    FileWarning,
    OpenCommand,
    event_adapter,
)
from sbs_protocol.identifiers import command_subject, event_subject
from sbs_protocol.paths import WirePath
from sbs_server.agents import abandonment, warnings
from sbs_server.agents.order_types import Trouble
from sbs_server.kit.ids import new_id
from sbs_server.models import (
    Agent,
    AgentState,
    Command,
    CommandState,
    HandledMessage,
    Outbox,
    ResticRepository,
    ResticRepositoryState,
    Run,
    RunAttempt,
    RunState,
    RunWarning,
)
from sbs_server.testing.agent_events import Scene, finished, hello
from sbs_server.testing.bus import eventually
from sbs_server.testing.database import make_tenant


async def test_a_command_goes_its_way_and_the_run_follows(scene: Scene) -> None:
    await scene.say(1, CommandAccepted(command_id=scene.command_id, attempt=1))
    await scene.say(2, CommandStarted(command_id=scene.command_id, attempt=1))
    await scene.handled(2)
    row, run = await scene.row(), await scene.run()
    assert row.state == CommandState.RUNNING
    assert row.accepted_at is not None
    assert row.last_heard_at is not None
    assert run.state == RunState.RUNNING
    assert run.started_at is not None
    async with scene.databases.app.transaction(scene.tenant.organization_id) as session:
        await session.execute(update(Command).values(first_progress_at=func.now()))
    await scene.say(3, finished(scene))
    await scene.handled(3)
    row = await scene.row()
    assert row.state == CommandState.FINISHED
    assert row.outcome is not None
    assert row.outcome["backup"]["snapshot_id"] == "ab" * 32
    assert await scene.count(RunAttempt) == 1
    async with scene.databases.app.transaction(scene.tenant.organization_id) as session:
        (kept,) = (await session.scalars(select(RunAttempt))).all()
    for name in ("ordered_at", "accepted_at", "started_at", "first_progress_at", "finished_at"):
        assert getattr(kept, name) == getattr(row, name) is not None, name


async def test_a_late_start_does_not_bring_a_finished_command_back(scene: Scene) -> None:
    await scene.say(1, finished(scene))
    await scene.handled(1)
    await scene.say(2, CommandStarted(command_id=scene.command_id, attempt=1))
    await scene.handled(2)
    assert (await scene.row()).state == CommandState.FINISHED
    assert (await scene.run()).state == RunState.WAITING


async def test_an_event_that_comes_again_changes_nothing(scene: Scene) -> None:
    await scene.say(1, finished(scene))
    await scene.handled(1)
    before = await scene.row()
    await scene.say(1, finished(scene, result=CommandResult.FAILED), again=1)
    await scene.settled()
    after = await scene.row()
    assert after.outcome == before.outcome
    assert after.updated_at == before.updated_at
    assert await scene.count(HandledMessage) == 1


async def test_the_end_of_an_older_attempt_is_ignored(scene: Scene) -> None:
    async with scene.databases.app.transaction(scene.tenant.organization_id) as session:
        await session.execute(update(Command).values(attempt=2, activity_id=f"{scene.command_id}.2"))
    await scene.say(1, finished(scene, attempt=1))
    await scene.handled(1)
    assert (await scene.row()).state == CommandState.OPEN
    await scene.say(2, finished(scene, attempt=2))
    await scene.handled(2)
    assert (await scene.row()).state == CommandState.FINISHED


async def test_an_agent_can_not_speak_for_anothers_command(scene: Scene) -> None:
    other = await make_tenant(scene.databases.app)
    event = scene.event(1, finished(scene))
    await scene.bus.jetstream.publish(
        event_subject(other.agent_id, "command.finished"), event_adapter.dump_json(event)
    )
    await scene.settled()
    assert (await scene.row()).state == CommandState.OPEN
    # The positive control: the same words from the right agent.
    await scene.say(1, finished(scene), again=1)
    await scene.handled(1)
    assert (await scene.row()).state == CommandState.FINISHED


async def test_warnings_are_stored_once_and_counted_exactly(scene: Scene) -> None:
    def some(first: int, count: int) -> CommandWarnings:
        listed = [
            FileWarning(
                path=WirePath.from_bytes(b"/srv/\xff%d" % number),
                code="unreadable",
                message="permission denied",
            )
            for number in range(first, first + count)
        ]
        return CommandWarnings(command_id=scene.command_id, attempt=1, first_index=first, warnings=listed)

    await scene.say(1, some(0, 500))
    await scene.say(2, some(500, 7))
    await scene.say(3, some(500, 7))  # another message, the same warnings
    await scene.handled(3)
    assert await scene.count(RunWarning) == 507
    assert (await scene.run()).warnings_total == 507
    async with scene.databases.app.transaction(scene.tenant.organization_id) as session:
        raw = await session.scalar(select(RunWarning.path_raw).where(RunWarning.position == 3))
    assert raw == b"/srv/\xff3"


async def test_more_warnings_than_are_kept_are_counted(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, "MOST_KEPT", 3)

    def some(first: int, count: int) -> CommandWarnings:
        one = FileWarning(path=WirePath(text="/srv/x"), code="unreadable", message="permission denied")
        return CommandWarnings(
            command_id=scene.command_id, attempt=1, first_index=first, warnings=[one] * count
        )

    await scene.say(1, some(0, 2))
    await scene.say(2, some(2, 2))
    await scene.say(3, some(4, 5))
    await scene.handled(3)
    assert await scene.count(RunWarning) == 3
    assert (await scene.run()).warnings_total == 9
    await scene.say(4, some(-2, 1))  # else a list without an end
    await scene.settled()
    assert await scene.count(RunWarning) == 3


class TestAbandoned:
    """A command that was given up on while restic may still be at work."""

    @pytest.fixture
    async def abandoned(self, scene: Scene) -> Scene:
        async with scene.databases.app.transaction(scene.tenant.organization_id) as session:
            await session.execute(update(Command).values(state=CommandState.RUNNING))
            await abandonment.abandon(session, scene.command_id, Trouble("agent_silent", "silent"))
        assert await self._state(scene) == ResticRepositoryState.QUARANTINED
        return scene

    async def _state(self, scene: Scene) -> ResticRepositoryState:
        async with scene.databases.app.transaction(scene.tenant.organization_id) as session:
            return (await session.get_one(ResticRepository, scene.tenant.restic_repository_id)).state

    async def test_its_end_lifts_the_quarantine(self, abandoned: Scene) -> None:
        await abandoned.say(1, finished(abandoned))
        await abandoned.handled(1)
        assert await self._state(abandoned) == ResticRepositoryState.READY
        assert (await abandoned.row()).state == CommandState.FINISHED

    async def test_a_hello_without_it_lifts_the_quarantine(self, abandoned: Scene) -> None:
        await abandoned.say(1, hello())
        await abandoned.handled(1)
        assert await self._state(abandoned) == ResticRepositoryState.READY
        assert (await abandoned.row()).state == CommandState.FINISHED

    async def test_a_hello_with_it_has_it_stopped(self, abandoned: Scene) -> None:
        held = OpenCommand(command_id=abandoned.command_id, attempt=1, state="running")
        await abandoned.say(1, hello(held))
        await abandoned.handled(1)
        assert await self._state(abandoned) == ResticRepositoryState.QUARANTINED

        async def told() -> bool:
            return bool(await abandoned.commands_sent())

        await eventually(told, "the agent is told to stop")
        bodies = [
            command_adapter.validate_json(message.data or b"").body
            for message in await abandoned.commands_sent()
        ]
        assert set(bodies) == {CommandCancel(target_command_id=abandoned.command_id)}

    async def test_another_one_keeps_the_quarantine(self, abandoned: Scene) -> None:
        run, _, target = abandoned.command_id.split(".")
        other = f"{run}.other.{target}"
        async with abandoned.databases.app.transaction(abandoned.tenant.organization_id) as session:
            row = await session.get_one(Command, abandoned.command_id)
            own = {column.key: getattr(row, column.key) for column in Command.__table__.columns}
            session.add(Command(**{**own, "id": other}))
        await abandoned.say(1, finished(abandoned))
        await abandoned.handled(1)
        assert await self._state(abandoned) == ResticRepositoryState.QUARANTINED
        await abandoned.say(2, finished(abandoned).model_copy(update={"command_id": other}))
        await abandoned.handled(2)
        assert await self._state(abandoned) == ResticRepositoryState.READY

    async def _restored_by_another(self, abandoned: Scene, state: CommandState) -> str:
        """The id of a second agent's command to restore from the same repository."""
        run, _, target = abandoned.command_id.split(".")
        restore = f"{run}.restore.{target}"
        async with abandoned.databases.app.transaction(abandoned.tenant.organization_id) as session:
            row = await session.get_one(Command, abandoned.command_id)
            agent = await session.get_one(Agent, row.agent_id)
            second = {column.key: getattr(agent, column.key) for column in Agent.__table__.columns}
            second |= {"id": new_id(), "name": "second"}
            session.add(Agent(**second))
            await session.flush()
            own = {column.key: getattr(row, column.key) for column in Command.__table__.columns}
            session.add(Command(**{**own, "id": restore, "agent_id": second["id"], "state": state}))
        return restore

    async def test_another_agents_restore_neither_makes_nor_keeps_a_quarantine(
        self, abandoned: Scene
    ) -> None:
        """That machine may be off for weeks, and can write no data there: the owner goes on with its backups."""
        restore = await self._restored_by_another(abandoned, CommandState.RUNNING)
        await abandoned.say(1, finished(abandoned))
        await abandoned.handled(1)
        assert await self._state(abandoned) == ResticRepositoryState.READY
        async with abandoned.databases.app.transaction(abandoned.tenant.organization_id) as session:
            await abandonment.abandon(session, restore, Trouble("agent_silent", "silent"))
        async with abandoned.databases.app.transaction(abandoned.tenant.organization_id) as session:
            assert (await session.get_one(Command, restore)).state == CommandState.ABANDONED
        assert await self._state(abandoned) == ResticRepositoryState.READY

    async def test_its_own_end_lifts_it_whatever_another_agent_restores(self, abandoned: Scene) -> None:
        await self._restored_by_another(abandoned, CommandState.ABANDONED)
        await abandoned.say(1, finished(abandoned))
        await abandoned.handled(1)
        assert await self._state(abandoned) == ResticRepositoryState.READY


class TestHello:
    async def test_describes_the_agent_and_makes_its_consumer(self, scene: Scene) -> None:
        await scene.say(1, hello())
        await scene.handled(1)
        async with scene.databases.app.transaction(scene.tenant.organization_id) as session:
            agent = await session.get_one(Agent, scene.tenant.agent_id)
        assert (agent.hostname, agent.agent_version, agent.boot_id) == ("renamed", "2.5.1", "boot-1")
        await scene.settled()
        info = await scene.bus.jetstream.consumer_info("CMD", f"a_{scene.tenant.agent_id.hex}")
        assert info.config.filter_subject == command_subject(scene.tenant.agent_id)

    async def test_brings_again_what_the_agent_does_not_have(self, scene: Scene) -> None:
        await scene.say(1, hello())

        async def sent() -> bool:
            return len(await scene.commands_sent()) == 1

        await eventually(sent, "the command waits for the agent")
        [message] = await scene.commands_sent()
        command = command_adapter.validate_json(message.data or b"")
        assert (command.command_id, command.attempt) == (scene.command_id, 1)
        assert isinstance(command.body, BackupRun)

    async def test_tells_of_the_agent_only_what_is_new(self, scene: Scene) -> None:
        for number in (1, 2):
            await scene.say(number, hello())
            await scene.handled(number)
        aggregate = f"agent:{scene.tenant.agent_id.hex}"
        async with scene.databases.system.transaction() as session:
            told = await session.scalars(select(Outbox.payload).where(Outbox.aggregate == aggregate))
            assert [payload["type"] for payload in told] == ["agent.changed.v1"]

    async def test_brings_nothing_that_the_agent_has(self, scene: Scene) -> None:
        await scene.say(1, hello(OpenCommand(command_id=scene.command_id, attempt=1, state="running")))
        await scene.handled(1)
        async with scene.databases.system.transaction() as session:
            query = (
                select(func.count())
                .select_from(Outbox)
                .where(Outbox.aggregate == f"command:{scene.command_id}")
            )
            assert await session.scalar(query) == 0
        assert (await scene.row()).last_heard_at is not None

    @pytest.mark.parametrize(("state", "sent"), [(RunState.FAILED, 1), (RunState.WAITING, 0)])
    async def test_tells_which_restores_get_no_further_attempt(
        self, scene: Scene, state: RunState, sent: int
    ) -> None:
        async with scene.databases.app.transaction(scene.tenant.organization_id) as session:
            await session.execute(update(Command).values(state=CommandState.FINISHED))
            await session.execute(update(Run).values(state=state))
        named = hello().model_copy(update={"unfinished_restores": [scene.command_id, "no.such.command"]})
        await scene.say(1, named)
        await scene.handled(1)
        async with scene.databases.system.transaction() as session:
            query = select(Outbox.payload).where(Outbox.aggregate == f"command:{scene.command_id}")
            told = [(row["cancel"], row["final"]) for row in await session.scalars(query)]
        assert told == [(True, True)] * sent

    async def test_repeats_a_cancellation(self, scene: Scene) -> None:
        async with scene.databases.app.transaction(scene.tenant.organization_id) as session:
            await session.execute(
                update(Command).values(state=CommandState.RUNNING, cancel_requested_at=func.now())
            )
        await scene.say(1, hello(OpenCommand(command_id=scene.command_id, attempt=1, state="running")))

        async def sent() -> bool:
            return len(await scene.commands_sent()) == 1

        await eventually(sent, "the cancellation waits for the agent")
        [message] = await scene.commands_sent()
        body = command_adapter.validate_json(message.data or b"").body
        assert body == CommandCancel(target_command_id=scene.command_id)

    async def test_of_a_protocol_that_is_too_old_brings_nothing_and_says_so(self, scene: Scene) -> None:
        await scene.say(1, hello(protocol=0), protocol=0)
        await scene.handled(1)
        async with scene.databases.system.transaction() as session:
            rows = (
                await session.scalars(
                    select(Outbox).where(Outbox.organization_id == scene.tenant.organization_id)
                )
            ).all()
        assert {row.payload["type"] for row in rows} == {"agent.changed.v1", "agent.outdated.v1"}
        async with scene.databases.app.transaction(scene.tenant.organization_id) as session:
            assert (await session.get_one(Agent, scene.tenant.agent_id)).protocol_version == 0


async def test_events_of_a_revoked_agent_are_dropped(scene: Scene) -> None:
    async with scene.databases.app.transaction(scene.tenant.organization_id) as session:
        await session.execute(update(Agent).values(state=AgentState.REVOKED))
    await scene.say(1, finished(scene))
    await scene.settled()
    assert await scene.count(HandledMessage) == 0
    assert (await scene.row()).state == CommandState.OPEN


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b'{"protocol": 1}',
        b'{"protocol":1,"epoch":"e","sequence":1,"at":"x","body":{"kind":"?"}}',
    ],
)
async def test_an_unreadable_event_is_parked_and_the_next_one_is_handled(
    scene: Scene, payload: bytes
) -> None:
    subject = f"evt.{scene.tenant.agent_id.hex}.hello"
    await scene.bus.jetstream.publish(subject, payload)
    await scene.say(1, CommandAccepted(command_id=scene.command_id, attempt=1))
    await scene.handled(1)
    parked = await scene.bus.jetstream.get_last_msg("PARKED", f"parked.{subject}")
    assert (parked.data or b"") == payload


async def test_what_the_database_can_not_store_is_parked(scene: Scene) -> None:
    event = scene.event(1, hello()).model_dump(mode="json")
    event["body"]["hostname"] = "nul\x00nul"
    subject = f"evt.{scene.tenant.agent_id.hex}.hello"
    await scene.bus.jetstream.publish(subject, json.dumps(event).encode())
    await scene.settled()
    assert (await scene.bus.jetstream.get_last_msg("PARKED", f"parked.{subject}")).data
    assert await scene.count(HandledMessage) == 0
