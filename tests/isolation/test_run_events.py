"""Following a run live: the news of other organizations pass by, on the same connection to the bus."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from nats.aio.client import Client

from sbs_server.config import Settings
from sbs_server.testing.api import Api, Person
from sbs_server.testing.rows import Filled, fill
from sbs_server.testing.serving import over_http
from sbs_server.testing.superuser import engine_of

SOON_S = 30


class Events:
    """The events of one stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self) -> tuple[str, Any]:
        name = ""
        async with asyncio.timeout(SOON_S):
            async for line in self._lines:
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    return name, json.loads(line.removeprefix("data: "))
        raise AssertionError("the stream has ended")


class Side:
    """An organization with a run that waits, and its administrator."""

    def __init__(self, person: Person, rows: Filled) -> None:
        self.person = person
        self.organization = rows.organization_id.hex
        self.run: str = rows.rows["run"]["id"].hex
        self.url = f"{person.root}/runs/{rows.rows['run']['id']}/events"

    async def progress(self, bus: Client, files: int) -> None:
        """What the bus publishes when the agent tells how far it is."""
        await bus.publish(
            f"live.{self.organization}.{self.run}",
            json.dumps({"run_id": self.run, "files_done": files}).encode(),
        )

    async def changed(self, bus: Client, run: str) -> None:
        """What the relay publishes when a run of this organization has changed."""
        event = {"data": {"run_id": run, "state": "running"}}
        await bus.publish(f"event.{self.organization}.run.changed.v1", json.dumps(event).encode())


@pytest.fixture
async def bus(api: Api) -> Client:
    return await api.bus()


@pytest.fixture
async def sides(api: Api, migrated: Settings) -> tuple[Side, Side]:
    people = await api.person(), await api.person()
    async with engine_of(migrated) as engine, engine.begin() as connection:
        a, b = [Side(person, await fill(connection, person.organization_id)) for person in people]
    return a, b


@contextlib.asynccontextmanager
async def following(api: Api, side: Side) -> AsyncIterator[Events]:
    async with over_http(api, side.person) as client, client.stream("GET", side.url) as answer:
        assert answer.status_code == 200, await answer.aread()
        events = Events(answer)
        name, run = await events.next()
        assert (name, run["state"], run["id"].replace("-", "")) == ("run", "waiting", side.run)
        yield events


async def test_news_of_another_organization_are_not_heard(
    api: Api, sides: tuple[Side, Side], bus: Client
) -> None:
    a, b = sides
    await api.services.valkey.set(f"run:{a.run}:progress", json.dumps({"files_done": 1}))
    async with following(api, b) as heard_by_b, following(api, a) as heard_by_a:
        # A's stream begins with what was kept of its progress; B's has no part in it.
        assert await heard_by_a.next() == ("progress", {"files_done": 1})
        await a.progress(bus, 2)
        await a.changed(bus, a.run)
        await a.changed(bus, b.run)
        await b.progress(bus, 3)
        # In the order of publishing: had B heard anything of A's, it would come before.
        assert await heard_by_b.next() == ("progress", {"run_id": b.run, "files_done": 3})
        assert await heard_by_a.next() == ("progress", {"run_id": a.run, "files_done": 2})


async def test_run_of_another_organization_can_not_be_followed(api: Api, sides: tuple[Side, Side]) -> None:
    a, b = sides
    own_organization = a.url.replace(a.person.root, b.person.root)
    async with over_http(api, b.person) as client:
        for url in (a.url, own_organization):
            answer = await client.get(url)
            assert (answer.status_code, answer.json()["code"]) == (404, "request.not_found")
    async with following(api, a):
        pass
