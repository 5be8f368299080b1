"""Connections to NATS over mutual TLS with an nkey: made, used, lost and made again, for ever.

nats-py's own reconnecting is off. It closes for good on most errors the server sends, so an outer loop is
needed anyway; with one loop there is one place where a connection begins, and everything that belongs to it
(subscriptions, pulls) is started there and ends with it.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Literal

import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from sbs_server.config import ConfigurationError, NatsSettings
from sbs_server.kit.nkeys import NkeyClient, NkeyError, NkeyPair
from sbs_server.messaging.errors import ConsumerGoneError, NotConnectedError
from sbs_server.messaging.pace import Backoff

log = structlog.get_logger()

Seed = Literal["control", "callout", "sys"]
Work = Callable[[Client], Awaitable[None]]

_CONNECT_S = 10
_CLOSE_S = 3
_PING_S = 10  # with two pings outstanding a dead network is noticed within 30 s
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 15.0
_HELD_S = 30.0
_BROKEN = (OSError, NatsError, TimeoutError, NotConnectedError, ConsumerGoneError)


class Link:
    """One account's connection. `prepare` runs first on each new connection, `work` as long as it lasts."""

    def __init__(
        self, settings: NatsSettings, seed: Seed, *, prepare: Sequence[Work] = (), work: Sequence[Work] = ()
    ) -> None:
        self._settings = settings
        self._seed: Seed = seed
        self._prepare = tuple(prepare)
        self._work = list(work)
        self._client: Client | None = None
        self._up = asyncio.Event()

    def during(self, work: Work) -> None:
        """Adds work; called before `run`. Work that ends ends the connection, and the next one is made."""
        self._work.append(work)

    @property
    def connected(self) -> bool:
        return self._client is not None

    @property
    def client(self) -> Client:
        """Errors: NotConnectedError."""
        if self._client is None:
            raise NotConnectedError(f"NATS ({self._seed}) can't be reached just now")
        return self._client

    async def wait_connected(self) -> None:
        await self._up.wait()

    async def run(self) -> None:
        """Keeps the connection until cancelled. What is no fault of the network or of a file is raised."""
        pause, now = Backoff(_FIRST_PAUSE_S, _LONGEST_PAUSE_S), asyncio.get_running_loop().time
        while True:
            began, reason = now(), "the connection was lost"
            try:
                await self._one_connection()
            except (*_BROKEN, ConfigurationError, NkeyError) as error:
                reason = str(error) or type(error).__name__
            if now() - began > _HELD_S:
                pause.reset()
            wait_s = pause.next()
            log.warning("nats_offline", link=self._seed, reason=reason, again_in_s=round(wait_s, 1))
            await asyncio.sleep(wait_s)

    async def _one_connection(self) -> None:
        lost = asyncio.Event()
        async with self._connect(lost) as client:
            for step in self._prepare:
                await step(client)
            self._client = client
            self._up.set()
            log.info("nats_online", link=self._seed)
            try:
                await _until_one_ends([lost.wait(), *(work(client) for work in self._work)])
            finally:
                self._client = None
                self._up.clear()

    @contextlib.asynccontextmanager
    async def _connect(self, lost: asyncio.Event) -> AsyncIterator[Client]:
        async def on_error(error: Exception) -> None:
            log.warning("nats_error", link=self._seed, reason=str(error))

        async def on_end() -> None:
            lost.set()

        client = NkeyClient(NkeyPair.from_seed(self._settings.seed(self._seed)))
        try:
            async with asyncio.timeout(_CONNECT_S):
                await client.connect(
                    servers=[self._settings.url],
                    name=f"sbs {self._seed}",
                    tls=tls_context(self._settings),
                    tls_handshake_first=True,
                    allow_reconnect=False,
                    max_reconnect_attempts=1,  # 0 would mean "for ever"
                    connect_timeout=_CONNECT_S,
                    ping_interval=_PING_S,
                    max_outstanding_pings=2,
                    error_cb=on_error,
                    disconnected_cb=on_end,
                    closed_cb=on_end,
                )
                # connect() may return while the server still decides; an answered ping means "let in".
                await client.flush(_CONNECT_S)
            yield client
        finally:
            await _close(client)


def tls_context(settings: NatsSettings) -> ssl.SSLContext:
    """Read anew for each connection: certificates are renewed while we run."""
    try:
        context = ssl.create_default_context(cafile=str(settings.ca_file))
        context.load_cert_chain(settings.cert_file, settings.key_file)
    except OSError as error:  # ssl.SSLError is one too
        names = f"{settings.ca_file}, {settings.cert_file}, {settings.key_file}"
        raise ConfigurationError(f"TLS files for NATS ({names}): {error.strerror or error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


async def _close(client: Client) -> None:
    """After a handshake that broke off, asyncio's stream never says that it is closed: it is not waited for long."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await client.close()
    except _BROKEN as error:
        log.debug("nats_close", reason=str(error))


async def _until_one_ends(work: Sequence[Awaitable[object]]) -> None:
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        # nats-py cancels the futures of a closed connection: such a task has "cancelled itself".
        if not task.cancelled():
            task.result()
