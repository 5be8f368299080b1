"""What the relay does with a row of the outbox, by its kind.

Each effect may be carried out twice: the relay can die between the act and its mark. That is harmless, because
JetStream drops a second message with the same `Nats-Msg-Id`, and Temporal a second start with the same id.
Errors: `PassingEffectError` (somebody is down), `PoisonEffectError` (the row is wrong).
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from pydantic import ValidationError
from sqlalchemy import select

from sbs_protocol import PROTOCOL_VERSION
from sbs_protocol import commands as wire
from sbs_protocol.identifiers import command_subject, parse_hex_id
from sbs_server.kit.db.session import Database
from sbs_server.messaging.connection import Link
from sbs_server.messaging.errors import NotConnectedError, PassingEffectError, PoisonEffectError
from sbs_server.messaging.revocation import Revocation
from sbs_server.models import Command, CommandState, Outbox, OutboxKind

Effect = Callable[[Outbox], Awaitable[None]]
ScheduleSync = Callable[[UUID], Awaitable[None]]
"""Of a job: makes the job's Temporal Schedule what the job's row says."""

_PUBLISH_S = 5.0
_SOURCE = "/sbs"


class BusEffects:
    """Effects on NATS."""

    def __init__(self, control: Link, system: Database, revocation: Revocation) -> None:
        self._control = control
        self._system = system
        self._revocation = revocation

    def by_kind(self) -> Mapping[OutboxKind, Effect]:
        return {
            OutboxKind.EVENT: self.event,
            OutboxKind.COMMAND: self.command,
            OutboxKind.AGENT_KICK: self.kick,
        }

    async def event(self, row: Outbox) -> None:
        """A domain event, as a CloudEvent 1.0 in JSON."""
        kind = text(row, "type")
        owner = "platform" if row.organization_id is None else row.organization_id.hex
        body = {
            "specversion": "1.0",
            "id": str(row.id),
            "source": _SOURCE,
            "type": kind,
            "subject": row.payload.get("subject"),
            "time": row.created_at,
            "datacontenttype": "application/json",
            "organizationid": None if row.organization_id is None else row.organization_id.hex,
            "data": row.payload.get("data", {}),
        }
        present = {name: value for name, value in body.items() if value is not None}
        await self._publish(f"event.{owner}.{kind}", orjson.dumps(present), str(row.id))

    async def command(self, row: Outbox) -> None:
        """The command as its row says now, or its cancellation; nothing if it is over or ordered anew.

        A cancellation that is `final` also tells of a command that is over: that it gets no further attempt.
        """
        order = await self._command_row(row)
        cancel = row.payload.get("cancel") is True
        over = {CommandState.FINISHED} if cancel else {CommandState.FINISHED, CommandState.ABANDONED}
        if row.payload.get("final") is True:
            over = set()
        if order is None or order.state in over or order.attempt != row.payload.get("attempt"):
            return
        command = _cancellation(order) if cancel else _command(order)
        message_id = f"{command.command_id}.{command.attempt}.{row.id}"
        payload = wire.command_adapter.dump_json(command)
        await self._publish(command_subject(order.agent_id), payload, message_id)

    async def kick(self, row: Outbox) -> None:
        """Cuts a revoked agent's connections."""
        try:
            agent_id = parse_hex_id(text(row, "agent_id"))
        except ValueError as error:
            raise PoisonEffectError("agent_id is not 32 hex digits") from error
        try:
            await self._revocation.kick(agent_id)
        except (NotConnectedError, NatsError, OSError) as error:
            raise PassingEffectError(f"NATS: {type(error).__name__}") from error

    async def _command_row(self, row: Outbox) -> Command | None:
        """None if it is not there (any more). `sbs_system` sees every tenant, so the tenant is compared here."""
        wanted = select(Command).where(Command.id == text(row, "command_id"))
        async with self._system.transaction() as session:
            order = (await session.scalars(wanted)).one_or_none()
        if order is not None and order.organization_id != row.organization_id:
            raise PoisonEffectError("the command belongs to another organization than this row")
        return order

    async def _publish(self, subject: str, payload: bytes, message_id: str) -> None:
        if any(part == "" or set(part) & set("*> \t\r\n") for part in subject.split(".")):
            raise PoisonEffectError("the subject made of this row is not a legal one")
        try:
            jetstream = self._control.client.jetstream()
            headers = {"Nats-Msg-Id": message_id}
            await jetstream.publish(subject, payload, timeout=_PUBLISH_S, headers=headers)
        except MaxPayloadError as error:
            raise PoisonEffectError(f"{len(payload)} bytes are too many for the bus") from error
        except (NotConnectedError, NatsError, OSError, TimeoutError) as error:
            # JetStream's own refusals too: a full stream or an agent with a thousand waiting commands passes.
            raise PassingEffectError(f"NATS: {type(error).__name__}") from error


def text(row: Outbox, name: str) -> str:
    """A required text of the payload. Errors: PoisonEffectError."""
    value = row.payload.get(name)
    if not isinstance(value, str) or not value:
        raise PoisonEffectError(f"the payload has no {name}")
    return value


def _command(order: Command) -> wire.Command:
    return _message(order, order.id, order.body)


def _cancellation(order: Command) -> wire.Command:
    run, step, target = order.id.split(".")
    body = {"kind": "command.cancel", "target_command_id": order.id}
    return _message(order, f"{run}.cancel-{step}"[:65] + f".{target}", body)


def _message(order: Command, command_id: str, body: dict[str, Any]) -> wire.Command:
    try:
        return wire.command_adapter.validate_python(
            {
                "protocol": PROTOCOL_VERSION,
                "command_id": command_id,
                "attempt": order.attempt,
                "issued_at": datetime.now(UTC),
                "body": body,
            }
        )
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors())
        raise PoisonEffectError(f"the command's body is none of the protocol's: {fields}") from error
