"""LISTEN: being woken by the database instead of asking it all the time.

A notification may get lost (the connection breaks, nobody listens yet), so that whoever waits also looks by
itself now and then: `wait` takes the longest time to wait.
"""

import asyncio

import asyncpg
import structlog
from sqlalchemy import URL

log = structlog.get_logger()

_AGAIN_S = 2.0
_LOOK_S = 15.0  # a connection that is dead without having been closed is noticed by a query


class Alarm:
    """What one waiter waits for."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, longest_s: float) -> None:
        """Returns when it has rung since the last call, or after `longest_s` seconds."""
        try:
            async with asyncio.timeout(longest_s):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()


class Wakeup:
    """Rings its alarms when `channel` is notified. One connection, outside of the pools."""

    def __init__(self, url: URL, channel: str) -> None:
        self._url = url
        self._channel = channel
        self._alarms: list[Alarm] = []

    def alarm(self) -> Alarm:
        """One more alarm: each waiter has its own, because waiting stops the ringing."""
        alarm = Alarm()
        self._alarms.append(alarm)
        return alarm

    def ring(self) -> None:
        """As if notified."""
        for alarm in self._alarms:
            alarm.ring()

    async def run(self) -> None:
        """Keeps listening until cancelled."""
        while True:
            try:
                await self._listen()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("listen_lost", channel=self._channel, reason=type(error).__name__)
            await asyncio.sleep(_AGAIN_S)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            host=self._url.host,
            port=self._url.port,
            user=self._url.username,
            password=self._url.password,
            database=self._url.database,
            timeout=_LOOK_S,
            command_timeout=_LOOK_S,
        )
        try:
            await connection.add_listener(self._channel, lambda *_: self.ring())
            self.ring()  # what was written while nobody listened
            while True:
                await asyncio.sleep(_LOOK_S)
                await connection.execute("SELECT 1")
        finally:
            # Not close(): that talks to the server, which may be the one that does not answer.
            connection.terminate()
