"""Following a run live, over a real connection, with real NATS and Valkey."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from nats.aio.client import Client
from sqlalchemy import delete, update

from sbs_server.messaging import streams
from sbs_server.models import Membership, Run, RunState
from sbs_server.runs.live import one_line, run_of_event
from sbs_server.runs.stream import Pace
from sbs_server.testing.api import Api, Person
from sbs_server.testing.database import Tenant, make_tenant
from sbs_server.testing.serving import over_http, until

NOTHING: tuple[str, Any] = ("", {})
QUICK = Pace(keep_alive_s=0.05, recheck_s=0.1)


class Events:
    """The events of one stream, as a browser would see them."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self, wanted: str | None = None) -> tuple[str, Any] | None:
        """The next event (of that name); None at the end of the stream."""
        name = ""
        async for line in self._lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: ") and wanted in {None, name}:
                return name, json.loads(line.removeprefix("data: "))
        return None

    async def comment(self) -> str:
        async for line in self._lines:
            if line.startswith(":"):
                return line
        raise AssertionError("the stream has ended")


@pytest.fixture
async def tenant(api: Api) -> Tenant:
    return await make_tenant(api.services.database)


@pytest.fixture
async def person(api: Api, tenant: Tenant) -> Person:
    return await api.person(organization_id=tenant.organization_id)


@pytest.fixture
async def bus(api: Api) -> Client:
    return await api.bus()


@contextlib.asynccontextmanager
async def following(api: Api, person: Person, tenant: Tenant) -> AsyncIterator[Events]:
    async with over_http(api, person) as client:
        url = f"{person.root}/runs/{tenant.run_id}/events"
        async with client.stream("GET", url) as answer:
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield Events(answer)


@contextlib.contextmanager
def pace(api: Api, wanted: Pace) -> Iterator[None]:
    api.app.state.pace = wanted
    try:
        yield
    finally:
        del api.app.state.pace


async def change(api: Api, tenant: Tenant, **values: object) -> None:
    async with api.services.database.transaction(tenant.organization_id) as session:
        await session.execute(update(Run).where(Run.id == tenant.run_id).values(**values))


async def tell(bus: Client, tenant: Tenant) -> None:
    """What the relay publishes when a run has changed."""
    event = {"data": {"run_id": tenant.run_id.hex, "state": "any"}}
    await bus.publish(f"event.{tenant.organization_id.hex}.run.changed.v1", json.dumps(event).encode())


async def test_run_comes_first_then_progress_then_changes_and_the_end(
    api: Api, tenant: Tenant, person: Person, bus: Client
) -> None:
    async with following(api, person, tenant) as events:
        name, run = await events.next() or NOTHING
        assert (name, run["id"], run["state"]) == ("run", str(tenant.run_id), "waiting")
        assert run["targets"] == []
        subject = f"live.{tenant.organization_id.hex}.{tenant.run_id.hex}"
        await bus.publish(subject, b'{"files_done": 3,\n "current_file": "/\xd1\x84"}')
        assert await events.next() == ("progress", {"files_done": 3, "current_file": "/ф"})
        await change(api, tenant, state=RunState.RUNNING)
        await tell(bus, tenant)
        name, run = await events.next() or NOTHING
        assert (name, run["state"]) == ("run", "running")
        await change(api, tenant, state=RunState.SUCCEEDED)
        await tell(bus, tenant)
        name, run = await events.next() or NOTHING
        assert (name, run["state"]) == ("run", "succeeded")
        assert await events.next() is None


async def test_last_progress_is_given_to_who_comes_late(
    api: Api, tenant: Tenant, person: Person, bus: Client
) -> None:
    await api.services.valkey.set(f"run:{tenant.run_id.hex}:progress", b'{"files_done": 7}')
    async with following(api, person, tenant) as events:
        assert await events.next("progress") == ("progress", {"files_done": 7})


async def test_ended_run_is_one_event(api: Api, tenant: Tenant, person: Person, bus: Client) -> None:
    await change(api, tenant, state=RunState.FAILED, error_code="no_space", error_message="full")
    async with following(api, person, tenant) as events:
        name, run = await events.next() or NOTHING
        assert (name, run["error"]["code"]) == ("run", "no_space")
        assert await events.next() is None


async def test_others_progress_and_nonsense_are_not_shown(
    api: Api, tenant: Tenant, person: Person, bus: Client
) -> None:
    other = await make_tenant(api.services.database)
    async with following(api, person, tenant) as events:
        await events.next()
        for stranger in (other.organization_id.hex, tenant.organization_id.hex):
            await bus.publish(f"live.{stranger}.{other.run_id.hex}", b'{"files_done": 1}')
        await bus.publish(f"live.{tenant.organization_id.hex}.{tenant.run_id.hex}", b"nonsense")
        await bus.publish(f"event.{tenant.organization_id.hex}.run.changed.v1", b"[]")
        await bus.publish(f"live.{tenant.organization_id.hex}.{tenant.run_id.hex}", b'{"files_done": 2}')
        assert await events.next() == ("progress", {"files_done": 2})


async def test_no_database_connection_is_held(api: Api, tenant: Tenant, person: Person, bus: Client) -> None:
    pool: Any = api.services.database.engine.pool
    async with following(api, person, tenant) as events:
        await events.next()
        await until(lambda: pool.checkedout() == 0)


async def test_connection_is_kept_alive_by_comments(
    api: Api, tenant: Tenant, person: Person, bus: Client
) -> None:
    with pace(api, QUICK):
        async with following(api, person, tenant) as events:
            assert await events.comment() == ": still here"


async def test_change_that_nobody_told_is_found_all_the_same(
    api: Api, tenant: Tenant, person: Person, bus: Client
) -> None:
    with pace(api, QUICK):
        async with following(api, person, tenant) as events:
            await events.next()
            await change(api, tenant, state=RunState.CANCELLED)
            name, run = await events.next() or NOTHING
            assert (name, run["state"]) == ("run", "cancelled")


async def test_stream_ends_with_the_membership(api: Api, tenant: Tenant, person: Person, bus: Client) -> None:
    with pace(api, QUICK):
        async with following(api, person, tenant) as events:
            await events.next()
            async with api.services.database.transaction(tenant.organization_id) as session:
                await session.execute(delete(Membership).where(Membership.user_id == person.user_id))
            assert await events.next() is None


async def test_stream_ends_with_the_session(api: Api, tenant: Tenant, person: Person, bus: Client) -> None:
    with pace(api, QUICK):
        async with following(api, person, tenant) as events:
            await events.next()
            assert (await person.client.delete("/api/v1/session")).status_code == 204
            assert await events.next() is None


async def test_stream_ends_when_the_process_is_to_stop(
    api: Api, tenant: Tenant, person: Person, bus: Client
) -> None:
    try:
        async with following(api, person, tenant) as events:
            await events.next()
            api.services.stopping.set()
            assert await events.next() is None
    finally:
        api.services.stopping.clear()


async def test_client_that_leaves_leaves_no_subscription(
    api: Api, tenant: Tenant, person: Person, bus: Client
) -> None:
    before = len(bus._subs)
    async with over_http(api, person) as client:
        async with client.stream("GET", f"{person.root}/runs/{tenant.run_id}/events") as answer:
            await Events(answer).next()
            assert len(bus._subs) == before + 2
        await until(lambda: len(bus._subs) == before)


async def test_slow_client_is_given_the_latest_progress_only(
    api: Api, tenant: Tenant, person: Person, bus: Client
) -> None:
    async with api.services.live.watch(tenant.organization_id, tenant.run_id) as watch:
        for number in range(1000):
            await bus.publish(
                f"live.{tenant.organization_id.hex}.{tenant.run_id.hex}", b'{"files_done": %d}' % number
            )
        await bus.flush()
        await watch.wait(asyncio.Event(), 10)
        async with asyncio.timeout(10):
            while watch.take() != (False, '{"files_done": 999}'):
                await watch.wait(asyncio.Event(), 1)


async def test_stranger_gets_no_stream(api: Api, tenant: Tenant) -> None:
    stranger = await api.person()
    async with over_http(api, stranger) as client:
        for root in (stranger.root, f"/api/v1/organizations/{tenant.organization_id}"):
            assert (await client.get(f"{root}/runs/{tenant.run_id}/events")).status_code == 404


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'"x"', b"\xff"])
def test_what_is_no_object_is_no_progress_and_no_event(data: bytes) -> None:
    assert one_line(data) is None
    assert run_of_event(data) is None


async def test_streams_of_runs_and_of_the_organization_count_together(
    api: Api, tenant: Tenant, person: Person, bus: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.app.state.streams, "most", 2)
    await streams.prepare(bus)
    urls = [f"{person.root}/runs/{tenant.run_id}/events", f"{person.root}/events"]
    async with following(api, person, tenant) as one:
        await one.next()
        async with over_http(api, person) as client, client.stream("GET", urls[1]) as two:
            changes = Events(two)  # kept: with it the stream would end
            assert (await changes.next() or NOTHING)[0] == "ready"
            for url in urls:
                refused = await person.client.get(url)
                assert (refused.status_code, refused.json()["code"]) == (429, "events.too_many")
                assert refused.headers["Content-Type"] == "application/problem+json"
                assert int(refused.headers["Retry-After"]) > 0
            other = await api.person(organization_id=tenant.organization_id)
            async with following(api, other, tenant) as others:
                assert (await others.next() or NOTHING)[0] == "run"
    await until(lambda: api.app.state.streams.of(person.user_id) == 0)
    async with following(api, person, tenant) as again:
        assert (await again.next() or NOTHING)[0] == "run"
