"""An agent that speaks on the real bus, and ways to see what came of it. See `sbs_server.testing.bus`."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError
from sqlalchemy import func, select

from sbs_protocol.commands import BackupRun
from sbs_protocol.events import (
    BackupResult,
    CommandFinished,
    CommandResult,
    Event,
    EventBody,
    Hello,
    OpenCommand,
    event_adapter,
    message_id,
)
from sbs_protocol.identifiers import command_id, command_subject, event_subject
from sbs_server.models import (
    Command,
    HandledMessage,
    Run,
)
from sbs_server.testing.bus import Databases, RunningBus, eventually
from sbs_server.testing.database import Tenant, make_tenant


@dataclass(frozen=True, slots=True)
class Scene:
    """An agent with one open command, and ways to speak for it and to look."""

    bus: RunningBus
    databases: Databases
    tenant: Tenant
    command_id: str
    epoch: str

    def event(self, sequence: int, body: EventBody, *, protocol: int = 1) -> Event:
        return Event(protocol=protocol, epoch=self.epoch, sequence=sequence, at=datetime.now(UTC), body=body)

    async def say(self, sequence: int, body: EventBody, *, protocol: int = 1, again: int = 0) -> None:
        """Publishes an event; `again` > 0: the same one once more, as a redelivery would bring it."""
        event = self.event(sequence, body, protocol=protocol)
        # JetStream would drop a second one with the same id within minutes; a redelivery is not a publication.
        headers = {} if again else {"Nats-Msg-Id": message_id(event)}
        subject = event_subject(self.tenant.agent_id, body.kind)
        await self.bus.jetstream.publish(subject, event_adapter.dump_json(event), headers=headers)

    async def row(self) -> Command:
        async with self.databases.app.transaction(self.tenant.organization_id) as session:
            return await session.get_one(Command, self.command_id)

    async def run(self) -> Run:
        async with self.databases.app.transaction(self.tenant.organization_id) as session:
            return await session.get_one(Run, self.tenant.run_id)

    async def count(self, table: type[Any]) -> int:
        async with self.databases.app.transaction(self.tenant.organization_id) as session:
            return await session.scalar(select(func.count()).select_from(table)) or 0

    async def handled(self, count: int) -> None:
        async def enough() -> bool:
            return await self.count(HandledMessage) == count

        await eventually(enough, f"{count} handled messages")

    async def settled(self) -> None:
        """All events are taken and acknowledged."""

        async def nothing_left() -> bool:
            info = await self.bus.jetstream.stream_info("EVT")
            return info.state.messages == 0

        await eventually(nothing_left, "no event is left in the stream")

    async def commands_sent(self) -> list[Msg]:
        """What waits for the agent in the stream of commands."""
        found = []
        for sequence in range(1, (await self.bus.jetstream.stream_info("CMD")).state.last_seq + 1):
            try:
                message = await self.bus.jetstream.get_msg("CMD", sequence)
            except NotFoundError:
                continue
            if message.subject == command_subject(self.tenant.agent_id):
                found.append(message)
        return found  # type: ignore[return-value]  # nats-py's raw messages


async def make_scene(bus: RunningBus, databases: Databases) -> Scene:
    tenant = await make_tenant(databases.app)
    name = command_id(tenant.run_id, "backup", tenant.restic_repository_id)
    body = BackupRun(
        dataset_id=tenant.dataset_id,
        restic_repository_id=tenant.restic_repository_id,
        sources=["/srv/documents"],
        host="machine",
    )
    async with databases.app.transaction(tenant.organization_id) as session:
        session.add(
            Command(
                id=name,
                organization_id=tenant.organization_id,
                agent_id=tenant.agent_id,
                run_id=tenant.run_id,
                restic_repository_id=tenant.restic_repository_id,
                attempt=1,
                body=body.model_dump(mode="json"),
                workflow_id=f"run-{tenant.run_id.hex}",
                activity_id=f"{name}.1",
                ordered_at=datetime.now(UTC),
            )
        )
    return Scene(bus, databases, tenant, name, uuid4().hex)


def hello(*open_commands: OpenCommand, protocol: int = 1) -> Hello:
    return Hello(
        protocol=protocol,
        agent_version="2.5.1",
        capabilities=["backup"],
        hostname="renamed",
        os="linux",
        os_version="12",
        arch="x86_64",
        restic_version="0.18.0",
        boot_id="boot-1",
        open_commands=list(open_commands),
    )


def finished(
    scene: Scene, attempt: int = 1, result: CommandResult = CommandResult.SUCCEEDED
) -> CommandFinished:
    return CommandFinished(
        command_id=scene.command_id,
        attempt=attempt,
        result=result,
        backup=BackupResult(snapshot_id="ab" * 32),
        finished_at=datetime.now(UTC),
    )


@pytest.fixture
async def scene(bus: RunningBus, databases: Databases) -> AsyncIterator[Scene]:
    made = await make_scene(bus, databases)
    yield made
    await made.settled()
