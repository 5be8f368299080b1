"""One connection to NATS over mutual TLS: made in one try, never mended. `session` makes the next one.

nats-py's own reconnecting is off: it gives up for good on some errors, and it hides refusals.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

import structlog
from nats.aio.client import Client
from nats.errors import AuthorizationError, NoServersError
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from sbs_agent.config import Identity
from sbs_agent.errors import CertificateRefusedError, ControlPlaneError, UnreachableError
from sbs_agent.pace import Pace
from sbs_agent.reach import explain
from sbs_protocol import events
from sbs_protocol.identifiers import event_subject, inbox_prefix

log = structlog.get_logger(__name__)

# A word of the NATS protocol (`-ERR 'Authorization Violation'`), not a message: nats-py gives it as text only
# when it comes in answer to CONNECT.
_REFUSED = "Authorization Violation"
_CLOSE_SECONDS = 3
_PING_SECONDS = 10  # with two pings outstanding a dead network is noticed within 30 s


class Bus:
    """A live connection and what the agent says on it."""

    def __init__(self, client: Client, identity: Identity, pace: Pace, lost: asyncio.Event) -> None:
        self._client = client
        self._agent = identity.agent_id
        self._pace = pace
        self.lost = lost
        self.jetstream: JetStreamContext = client.jetstream()

    async def publish_event(self, event: events.Event) -> None:
        """Returns when JetStream has stored it. Raises `nats.errors.Error`, also when there is no stream yet."""
        await self.jetstream.publish(
            event_subject(self._agent, event.body.kind),
            events.event_adapter.dump_json(event),
            timeout=self._pace.acknowledgement,
            headers={"Nats-Msg-Id": events.message_id(event)},
        )

    async def publish(self, subject: str, payload: bytes) -> None:
        """Lossy: progress and heartbeats."""
        await self._client.publish(subject, payload)


@contextlib.asynccontextmanager
async def connected(identity: Identity, tls: ssl.SSLContext, pace: Pace) -> AsyncIterator[Bus]:
    """Connect, make sure that we are let in, hand over; close at the end.

    Raises:
        ControlPlaneError: unreachable, not trusted, or refused, each as its own type.
    """
    url = identity.endpoints.nats_url
    lost = asyncio.Event()
    client = await _connect(url, identity, tls, pace, lost)
    try:
        yield Bus(client, identity, pace, lost)
    finally:
        await _close(client)


async def _connect(
    url: str, identity: Identity, tls: ssl.SSLContext, pace: Pace, lost: asyncio.Event
) -> Client:
    failures: list[Exception] = []
    client = Client()

    async def on_error(error: Exception) -> None:
        failures.append(error)
        log.debug("bus error", error=str(error))

    async def on_end() -> None:
        lost.set()

    options = {
        "servers": [url],
        "tls": tls,
        "tls_handshake_first": True,
        "inbox_prefix": inbox_prefix(identity.agent_id).encode(),
        "allow_reconnect": False,
        "max_reconnect_attempts": 1,  # 0 would mean "for ever" here
        "reconnect_time_wait": 0,
        "connect_timeout": pace.connect,
        "ping_interval": _PING_SECONDS,
        "max_outstanding_pings": 2,
        "error_cb": on_error,
        "closed_cb": on_end,
        "disconnected_cb": on_end,
        "name": f"sbs-agent {identity.agent_id.hex}",
    }
    try:
        async with asyncio.timeout(pace.connect):
            await client.connect(**options)  # type: ignore[arg-type]  # nats-py names no type for them
            # connect() can return while the callout still decides: only an answered ping means "let in".
            await client.flush(timeout=max(1, int(pace.connect)))
    except (OSError, NatsError, TimeoutError) as error:
        await _close(client)
        raise _why(error, failures, client, url) from error
    return client


async def _close(client: Client) -> None:
    """After a handshake that broke off, asyncio's stream never says that it is closed: it is not waited for long."""
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await client.close()
    except (OSError, NatsError, TimeoutError) as error:
        log.debug("closing the bus connection", error=str(error))


def _why(error: Exception, failures: list[Exception], client: Client, url: str) -> ControlPlaneError:
    told = [*failures, *([client.last_error] if client.last_error else []), error]
    if any(isinstance(e, AuthorizationError) or _REFUSED in str(e) for e in told):
        return CertificateRefusedError(
            f"{url} refuses this agent",
            "its enrolment may be revoked: ask the administrator; it is tried again from time to time",
        )
    real = [e for e in told if not isinstance(e, NoServersError)]
    return (
        explain(real[0], url)
        if real
        else UnreachableError(f"{url} cannot be reached: no connection came about", "check the network")
    )
