"""The conversation with the control plane: connect, hello, take commands, report, come back after any break."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js.errors import APIError

from sbs_agent import renew
from sbs_agent.bus import Bus, connected
from sbs_agent.config import Identity, StateDirectory
from sbs_agent.endings import end
from sbs_agent.errors import CertificateRefusedError, ControlPlaneError, NotTrustedError, StateDamagedError
from sbs_agent.journal import Journal, make_event
from sbs_agent.keys import NATS_ALPN, mutual_tls, read_leaf, utc_now
from sbs_agent.pace import Pace
from sbs_agent.presence import Presence
from sbs_protocol.events import Event, Heartbeat, Hello, Progress
from sbs_protocol.identifiers import COMMAND_STREAM, command_consumer, heartbeat_subject, progress_subject

log = structlog.get_logger(__name__)

# Refusals stay until a person acts: the retries are slow.
_NEEDS_A_PERSON = (CertificateRefusedError, NotTrustedError, StateDamagedError)


class Agent(Protocol):
    """What the session asks of the rest of the agent."""

    def deliver(self, message: bytes) -> None:
        """Store a command durably; when this returns, the bus may forget it."""

    async def hello(self) -> Hello: ...

    def heartbeat(self) -> Heartbeat: ...


@dataclass(slots=True)
class Session:
    """`run` goes on until it is cancelled. `event_waits` is set whenever the journal's outbox gets an event."""

    state: StateDirectory
    identity: Identity
    journal: Journal
    presence: Presence
    pace: Pace
    agent: Agent
    event_waits: asyncio.Event
    _bus: Bus | None = None

    async def run(self) -> None:
        """Connect again and again; patience depends on the kind of failure."""
        unreachable, refused = self.pace.unreachable(), self.pace.refused()
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._one_connection()
                wait = unreachable.next()
            except _NEEDS_A_PERSON as error:
                wait = 0.0 if self._previous_certificate_helps(error) else refused.next()
                self._offline(error, wait)
            except ControlPlaneError as error:
                wait = unreachable.next()
                self._offline(error, wait)
            if asyncio.get_running_loop().time() - began > self.pace.retry_longest:
                unreachable.reset()  # it held for a while; a connection that breaks at once does not count
                refused.reset()
            await asyncio.sleep(wait)

    def reconnect(self) -> None:
        """Drop the connection, so that the next one uses the certificate that is on disk now."""
        if self._bus is not None:
            self._bus.lost.set()

    async def publish_progress(self, progress: Progress) -> None:
        """Lossy: without a connection it is dropped."""
        if self._bus is not None:
            with suppress(NatsError, OSError):
                subject = progress_subject(self.identity.agent_id)
                await self._bus.publish(subject, progress.model_dump_json().encode())

    def _previous_certificate_helps(self, error: Exception) -> bool:
        return isinstance(error, CertificateRefusedError) and renew.fall_back(self.state)

    def _offline(self, error: Exception, wait: float) -> None:
        self.presence.offline(str(error))
        log.warning("offline", reason=str(error), next_try_s=round(wait, 1))

    async def _one_connection(self) -> None:
        _refuse_expired(self.state)
        async with connected(self.identity, mutual_tls(self.state, alpn=NATS_ALPN), self.pace) as bus:
            self._bus = bus
            renew.confirm(self.state)
            self.presence.online()
            log.info("online", server=self.identity.endpoints.nats_url)
            try:
                await self._talk(bus)
            finally:
                self._bus = None
        self.presence.offline("the connection was lost")
        log.warning("connection lost")

    async def _talk(self, bus: Bus) -> None:
        """Everything at once, until one of them ends: that is the connection's end."""
        greeted = asyncio.Event()
        tasks = [
            asyncio.create_task(self._take_commands(bus, greeted)),
            asyncio.create_task(self._send_events(bus, greeted)),
            asyncio.create_task(self._beat(bus)),
            asyncio.create_task(_until(bus.lost)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(tasks)
        for task in done:
            with suppress(NatsError, OSError):  # the connection broke; anything else is our own mistake
                task.result()

    async def _take_commands(self, bus: Bus, greeted: asyncio.Event) -> None:
        """The control plane makes the consumer when it hears the hello; until it exists, say hello again."""
        durable = command_consumer(self.identity.agent_id)
        subscription = await bus.jetstream.pull_subscribe_bind(durable=durable, stream=COMMAND_STREAM)
        backoff = self.pace.unreachable()
        await self._greet(bus)
        greeted.set()
        while True:
            try:
                for message in await subscription.fetch(1, timeout=self.pace.fetch):
                    await self._take(message)
                    backoff.reset()
            except TimeoutError:
                continue
            except APIError as error:
                wait = backoff.next()
                log.info(
                    "no command queue yet; saying hello again", reason=str(error), next_try_s=round(wait, 1)
                )
                await asyncio.sleep(wait)
                await self._greet(bus)

    async def _take(self, message: Msg) -> None:
        self.agent.deliver(message.data)
        await message.ack()

    async def _greet(self, bus: Bus) -> None:
        hello = await self.agent.hello()
        await self._send(bus, make_event(self.journal.epoch, self.journal.take_sequence(), hello))

    async def _send_events(self, bus: Bus, greeted: asyncio.Event) -> None:
        """The outbox in order, one at a time; an event leaves it when JetStream has it."""
        await greeted.wait()
        while True:
            self.event_waits.clear()
            while (event := self.journal.next_event()) is not None:
                await self._send(bus, event)
                self.journal.acknowledge(event.sequence)
            await self.event_waits.wait()

    async def _send(self, bus: Bus, event: Event) -> None:
        """Until JetStream says that it has it: there may be no stream yet, or no leader for a moment."""
        backoff = self.pace.unreachable()
        while True:
            try:
                await bus.publish_event(event)
            except MaxPayloadError:
                # Built to be small (`reporting`); should one be too large after all, the others must still leave.
                log.exception("an event is too large for the bus and is dropped", kind=event.body.kind)
            except (APIError, TimeoutError) as error:
                wait = backoff.next()
                log.warning(
                    "event not taken", kind=event.body.kind, reason=str(error), next_try_s=round(wait, 1)
                )
                await asyncio.sleep(wait)
                continue
            return

    async def _beat(self, bus: Bus) -> None:
        subject = heartbeat_subject(self.identity.agent_id)
        while True:
            await bus.publish(subject, self.agent.heartbeat().model_dump_json().encode())
            await asyncio.sleep(self.pace.heartbeat)


async def _until(event: asyncio.Event) -> None:
    await event.wait()


def _refuse_expired(state: StateDirectory) -> None:
    """Ours to notice: the server would only say that it does not like the certificate."""
    leaf = read_leaf(state.read_certificate(), str(state.certificate_file))
    if leaf.expired(utc_now()):
        raise CertificateRefusedError(
            f"this agent's certificate expired at {leaf.not_after.isoformat(timespec='minutes')}",
            "check this machine's clock; if it is right, enrol again with --force",
        )
