"""A reader's part of the bus while the connection comes and goes."""

import asyncio

import pytest

from sbs_server.config import Settings
from sbs_server.kit.errors import UnavailableError
from sbs_server.messaging import listening as module
from sbs_server.messaging.connection import Link
from sbs_server.messaging.listening import listening
from sbs_server.testing.bus import RunningBus


async def test_a_connection_that_does_not_come_is_an_outage(
    bus_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CONNECTED_WITHIN_S", 0.1)
    with pytest.raises(UnavailableError):
        async with listening(Link(bus_settings.nats, "control")):
            raise AssertionError("nobody runs the link")


async def test_a_connection_that_is_being_made_is_waited_for(
    bus_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CONNECTED_WITHIN_S", 60)
    link = Link(bus_settings.nats, "control")
    running = asyncio.create_task(link.run())
    try:
        assert not link.connected
        async with listening(link) as own:
            assert own.client is link.client
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_nothing_stays_subscribed(bus: RunningBus) -> None:
    async def ignore(_: object) -> None:
        return

    client = bus.links.control.client
    before = len(client._subs)
    async with listening(bus.links.control) as own:
        await own.subscribe("live.nobody.nothing", ignore)
        assert len(client._subs) == before + 1
    assert len(client._subs) == before
