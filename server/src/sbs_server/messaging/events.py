"""Taking in agents' events: each handled once, in a transaction of its agent's organization.

The order that makes a crash harmless: commit, then what follows (complete the activity), then acknowledge. An
event that comes again finds its message id in `handled_message`; its handler then only says again what follows.
Who sent an event is in its subject, which NATS has checked; nothing in a body is believed about that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.service import RPCError

from sbs_protocol.events import Event, event_adapter, message_id
from sbs_protocol.identifiers import EVENT_STREAM, parse_hex_id
from sbs_server.kit.db.failures import is_passing, is_wrong_data, sqlstate
from sbs_server.kit.db.session import Database
from sbs_server.messaging.errors import NotConnectedError, UnreadableEventError
from sbs_server.messaging.followups import FollowUp, FollowUps
from sbs_server.messaging.pace import pause_after
from sbs_server.messaging.pull import batches
from sbs_server.messaging.registry import AgentRegistry
from sbs_server.messaging.streams import EVENT_CONSUMER
from sbs_server.models import Agent, AgentState, HandledMessage

log = structlog.get_logger()

_BATCH = 64
_AGENTS_AT_ONCE = 8
_HANDLE_S = 20.0  # well below the consumer's ack_wait
_MOST_ATTEMPTS = 20
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_LONGEST_MESSAGE_ID = 200
_PASSING = (RPCError, RuntimeError, NatsError, NotConnectedError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event, and whose it is."""

    organization_id: UUID
    agent_id: UUID
    message_id: str
    event: Event


Handler = Callable[[AsyncSession, Incoming, bool], Awaitable[Sequence[FollowUp]]]
"""(session, event, whether it comes for the first time) -> what follows once this is committed."""


class EventConsumer:
    def __init__(
        self, app: Database, registry: AgentRegistry, handler: Handler, follow_ups: FollowUps
    ) -> None:
        self._app = app
        self._registry = registry
        self._handler = handler
        self._follow_ups = follow_ups
        self._free = asyncio.Semaphore(_AGENTS_AT_ONCE)

    async def consume(self, client: Client) -> None:
        """For as long as the connection lasts. Errors: ConsumerGoneError, nats.errors.Error."""
        async for batch in batches(client, EVENT_STREAM, EVENT_CONSUMER, _BATCH):
            of_agent: dict[str, list[Msg]] = {}
            for message in batch:
                of_agent.setdefault(message.subject.split(".")[1], []).append(message)
            # Not a TaskGroup: the link knows a lost connection by its error, not by a group of them.
            results = await asyncio.gather(
                *(self._in_order(client, messages) for messages in of_agent.values()), return_exceptions=True
            )
            for result in results:
                if isinstance(result, BaseException):
                    raise result

    async def _in_order(self, client: Client, messages: Sequence[Msg]) -> None:
        """One agent's events. If one fails, those behind it come again too, after it."""
        async with self._free:
            for position, message in enumerate(messages):
                if not await self._take(client, message):
                    pause_s = pause_after(message.metadata.num_delivered, _FIRST_PAUSE_S, _LONGEST_PAUSE_S)
                    for later in messages[position:]:
                        await later.nak(delay=pause_s)
                    return

    async def _take(self, client: Client, message: Msg) -> bool:
        """Whether the message is done with: handled, or parked."""
        try:
            async with asyncio.timeout(_HANDLE_S):
                await self.handle(message)
        except UnreadableEventError as error:
            await _park(client, message, str(error))
        except Exception as error:  # noqa: BLE001 - told in the log, and parked in the end
            if _is_passing(error) or message.metadata.num_delivered < _MOST_ATTEMPTS:
                _complain(message, error)
                return False
            await _park(client, message, f"{_MOST_ATTEMPTS} attempts, lastly {type(error).__name__}")
        else:
            await message.ack()
        return True

    async def handle(self, message: Msg) -> None:
        """Commit, then what follows. Returning means: acknowledge.

        Errors: UnreadableEventError (for good), anything else (again later).
        """
        agent_id, event = _read(message)
        organization_id = await self._registry.organization_of(agent_id)
        if organization_id is None:
            raise UnreadableEventError("no such agent")
        incoming = Incoming(organization_id, agent_id, _message_id(message, event), event)
        try:
            follow_ups = await self._commit(incoming)
        except SQLAlchemyError as error:
            if is_wrong_data(error):
                raise UnreadableEventError("a value can't be stored") from error
            raise
        await self._follow_ups.carry_out(follow_ups)

    async def _commit(self, incoming: Incoming) -> Sequence[FollowUp]:
        async with self._app.transaction(incoming.organization_id) as session:
            state = await session.scalar(select(Agent.state).where(Agent.id == incoming.agent_id))
            if state != AgentState.ACTIVE:
                kind = incoming.event.body.kind
                log.warning(
                    "event_dropped", agent=incoming.agent_id.hex, kind=kind, reason="the agent is revoked"
                )
                return []
            first = await _remember(session, incoming)
            return await self._handler(session, incoming, first)


async def _remember(session: AsyncSession, incoming: Incoming) -> bool:
    """Whether this is the first time. A second transaction with the same id waits here for the first one."""
    statement = (
        insert(HandledMessage)
        .values(
            organization_id=incoming.organization_id,
            agent_id=incoming.agent_id,
            message_id=incoming.message_id,
        )
        .on_conflict_do_nothing()
        .returning(HandledMessage.message_id)
    )
    return (await session.execute(statement)).first() is not None


def _read(message: Msg) -> tuple[UUID, Event]:
    try:
        agent_id = parse_hex_id(message.subject.split(".")[1])
        return agent_id, event_adapter.validate_json(message.data)
    except ValidationError as error:
        fields = sorted({".".join(map(str, problem["loc"])) or "body" for problem in error.errors()})
        raise UnreadableEventError(f"not an event of protocol: {', '.join(fields)[:300]}") from error
    except ValueError as error:
        raise UnreadableEventError("the subject names no agent") from error


def _message_id(message: Msg, event: Event) -> str:
    given = (message.headers or {}).get("Nats-Msg-Id") or message_id(event)
    if len(given) > _LONGEST_MESSAGE_ID:
        raise UnreadableEventError(f"a message id of more than {_LONGEST_MESSAGE_ID} characters")
    return given


def _is_passing(error: Exception) -> bool:
    return isinstance(error, _PASSING) or (isinstance(error, SQLAlchemyError) and is_passing(error))


def _complain(message: Msg, error: Exception) -> None:
    about = {"subject": message.subject, "reason": type(error).__name__}
    if isinstance(error, SQLAlchemyError):
        # Its text and traceback quote what was to be stored.
        log.warning("event_failed", sqlstate=sqlstate(error), **about)
    elif _is_passing(error):
        log.warning("event_failed", **about)
    else:
        log.error("event_failed", exc_info=error, **about)


async def _park(client: Client, message: Msg, reason: str) -> None:
    """Puts it where a person can look at it, and has the stream forget it.

    Errors: nats.errors.Error, and then it comes again.
    """
    metadata = message.metadata
    log.error(
        "event_parked", subject=message.subject, reason=reason, stream_sequence=metadata.sequence.stream
    )
    headers = {"Nats-Msg-Id": f"parked-{metadata.sequence.stream}", "Sbs-Reason": reason.replace("\n", " ")}
    await client.jetstream().publish(f"parked.{message.subject}", message.data, headers=headers)
    await message.term()
