"""Listening to the bus for one reader of a live stream: the connection, what was subscribed, and waiting for news."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from sbs_server.kit.errors import UnavailableError
from sbs_server.messaging.connection import Link
from sbs_server.messaging.errors import NotConnectedError

log = structlog.get_logger()

_CONNECTED_WITHIN_S = 5.0


class News:
    """What has come in since it was last asked: a base for those who keep it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._news = asyncio.Event()

    @property
    def gone(self) -> bool:
        """Whether the connection is lost: nothing will come any more, and the reader has to begin anew."""
        return self._client.is_closed

    async def wait(self, stopping: asyncio.Event, timeout_s: float) -> None:
        """Until there is something new, the process is to stop, or the time is over."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._news, stopping)]
        try:
            await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


class Listening:
    """One reader's subscriptions."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._made: list[Subscription] = []

    async def subscribe(self, subject: str, callback: Callable[[Msg], Awaitable[None]]) -> None:
        """Errors: nats.errors.Error, OSError."""
        self._made.append(await self.client.subscribe(subject, cb=callback))

    async def end(self) -> None:
        """Takes the subscriptions back; a server whose connection is closed has forgotten them by itself."""
        for subscription in self._made:
            if not self.client.is_closed:
                await subscription.unsubscribe()


@asynccontextmanager
async def listening(link: Link) -> AsyncIterator[Listening]:
    """Subscriptions that last until the block ends.

    A connection that was lost this moment is waited for, since it is being made again. Raises UnavailableError.
    """
    with or_unavailable():
        async with asyncio.timeout(_CONNECTED_WITHIN_S):
            await link.wait_connected()
            own = Listening(link.client)
    try:
        yield own
    finally:
        # A task of its own: our caller may be in the middle of being cancelled.
        await asyncio.shield(asyncio.ensure_future(own.end()))


@contextmanager
def or_unavailable() -> Iterator[None]:
    """Makes an UnavailableError of a bus that can't be reached in the block; the reason is for the log."""
    try:
        yield
    except (NatsError, OSError, TimeoutError, NotConnectedError) as error:
        log.warning("bus_unavailable", reason=str(error) or type(error).__name__)
        raise UnavailableError("request.unavailable", component="NATS") from error
