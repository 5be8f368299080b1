"""Following an organization live, over a real connection, with real NATS, PostgreSQL and Valkey."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from nats.aio.client import Client
from sqlalchemy import delete

from sbs_server.auth.sessions import _key
from sbs_server.changes import feed
from sbs_server.changes.stream import Tempo
from sbs_server.kit.ids import new_id
from sbs_server.messaging import streams
from sbs_server.models import Membership
from sbs_server.testing.api import Api, Person
from sbs_server.testing.serving import over_http, until

SOON_S = 60
QUICK = Tempo(keep_alive_s=0.05, recheck_s=0.1, progress_s=0.05)


@dataclass(frozen=True)
class Heard:
    """One event of a stream."""

    name: str
    data: Any
    id: str | None


def number(heard: Heard) -> int:
    """The place in the stream that an event's id names."""
    assert heard.id is not None
    return int(heard.id.partition("-")[2])


class Events:
    """The events of one stream, as a browser would see them."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self) -> Heard | None:
        """The next event; None at the end of the stream."""
        found: dict[str, str] = {}
        async with asyncio.timeout(SOON_S):
            async for line in self._lines:
                if line.startswith(":"):
                    continue
                if not line and found:
                    return Heard(found["event"], json.loads(found["data"]), found.get("id"))
                name, _, value = line.partition(": ")
                found |= {name: value} if name else {}
        return None

    async def sure(self) -> Heard:
        heard = await self.next()
        assert heard is not None, "the stream has ended"
        return heard

    async def comment(self) -> str:
        async with asyncio.timeout(SOON_S):
            async for line in self._lines:
                if line.startswith(":"):
                    return line
        raise AssertionError("the stream has ended")


@pytest.fixture
async def bus(api: Api) -> Client:
    client = await api.bus()
    await streams.prepare(client)
    return client


@pytest.fixture
async def person(api: Api) -> Person:
    return await api.person()


@contextlib.asynccontextmanager
async def following(api: Api, person: Person, last: str | None = None) -> AsyncIterator[Events]:
    headers = {} if last is None else {"Last-Event-ID": last}
    async with (
        over_http(api, person) as client,
        client.stream("GET", f"{person.root}/events", headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Events(answer)


@contextlib.contextmanager
def tempo(api: Api, wanted: Tempo) -> Iterator[None]:
    api.app.state.tempo = wanted
    try:
        yield
    finally:
        del api.app.state.tempo


async def tell(bus: Client, organization_id: UUID, kind: str, **data: str | None) -> None:
    """What the relay publishes."""
    event = {"specversion": "1.0", "type": kind, "data": data}
    subject = f"event.{organization_id.hex}.{kind}"
    await bus.jetstream().publish(subject, json.dumps(event).encode())


async def run_changed(bus: Client, person: Person, run: UUID, state: str = "running") -> None:
    await tell(bus, person.organization_id, "run.changed.v1", run_id=run.hex, state=state)


async def progress(bus: Client, person: Person, run: UUID, files: int) -> None:
    said = {
        "run_id": run.hex,
        "command_id": "c",
        "attempt": 1,
        "phase": "transferring",
        "files_done": files,
        "files_total": None,
        "bytes_done": 0,
        "bytes_total": None,
        "bytes_per_second": None,
        "seconds_left": None,
        "current_file": "/ф",
        "warnings": 0,
    }
    subject = f"live.{person.organization_id.hex}.{run.hex}"
    await bus.publish(subject, json.dumps({**said, "protocol": 1}).encode())


async def test_it_begins_with_ready_and_then_tells_each_change(api: Api, bus: Client, person: Person) -> None:
    run, agent, job = new_id(), new_id(), new_id()
    async with following(api, person) as events:
        ready = await events.sure()
        assert (ready.name, ready.data) == ("ready", {"resumed": False})
        data = {"run_id": run.hex, "state": "running", "agent_id": agent.hex, "job_id": job.hex}
        await tell(bus, person.organization_id, "run.changed.v1", **data)
        heard = await events.sure()
        assert heard.name == "changed"
        assert heard.data == {
            "kind": "run",
            "id": str(run),
            "what": "changed",
            "state": "running",
            "job_id": str(job),
            "agent_id": str(agent),
            "repository_id": None,
            "run_id": None,
        }
        assert number(heard) > number(ready)
        await tell(bus, person.organization_id, "agent.connected.v1", agent_id=agent.hex)
        heard = await events.sure()
        assert (heard.data["kind"], heard.data["what"]) == ("agent", "connected")


async def test_other_organizations_and_what_nobody_shows_are_left_out(
    api: Api, bus: Client, person: Person
) -> None:
    stranger, run = await api.person(), new_id()
    async with following(api, person) as events:
        await events.sure()
        await run_changed(bus, stranger, new_id())
        await progress(bus, stranger, new_id(), 1)
        await tell(bus, person.organization_id, "gadget.changed.v1", gadget_id=new_id().hex)
        await bus.jetstream().publish(f"event.{person.organization_id.hex}.run.changed.v1", b"nonsense")
        await run_changed(bus, person, run)
        assert (await events.sure()).data["id"] == str(run)


async def test_reader_goes_on_where_it_left_off(api: Api, bus: Client, person: Person) -> None:
    first, second, third = new_id(), new_id(), new_id()
    async with following(api, person) as events:
        await events.sure()
        await run_changed(bus, person, first)
        last = (await events.sure()).id
    await run_changed(bus, person, second)
    async with following(api, person, last) as events:
        assert (await events.sure()).data == {"resumed": True}
        assert (await events.sure()).data["id"] == str(second)
        await run_changed(bus, person, third)
        assert (await events.sure()).data["id"] == str(third)


@pytest.mark.parametrize("last", ["0-1", "x", "-", "0-99999999999999999999"])
async def test_id_that_leads_nowhere_asks_for_everything_again(
    api: Api, bus: Client, person: Person, last: str
) -> None:
    async with following(api, person, last) as events:
        assert (await events.sure()).data == {"resumed": False}
        reset = await events.sure()
        assert (reset.name, reset.data) == ("reset", {"reason": "too_old"})


async def test_gap_that_is_too_long_asks_for_everything_again(
    api: Api, bus: Client, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with following(api, person) as events:
        last = (await events.sure()).id
    for _ in range(4):
        await run_changed(bus, person, new_id())
    monkeypatch.setattr(feed, "_LONGEST_GAP", 3)
    async with following(api, person, last) as events:
        assert (await events.sure()).data == {"resumed": False}
        assert (await events.sure()).name == "reset"


async def test_progress_of_every_run_is_told_the_latest_only(api: Api, bus: Client, person: Person) -> None:
    one, other = new_id(), new_id()
    with tempo(api, Tempo(progress_s=0.5)):
        async with following(api, person) as events:
            await events.sure()
            for files in range(100):
                await progress(bus, person, one, files)
            await progress(bus, person, other, 7)
            seen = [await events.sure()]
            while not {str(one), str(other)} <= {heard.data["run_id"] for heard in seen}:
                seen.append(await events.sure())
            while max(heard.data["files_done"] for heard in seen) < 99:
                seen.append(await events.sure())
    assert {heard.name for heard in seen} == {"progress"}
    assert {heard.id for heard in seen} == {None}
    assert len(seen) < 20, "each run is let through once in a while only"
    assert seen[0].data["current_file"] == "/ф"


async def test_slow_reader_gets_the_last_change_of_each_object(api: Api, bus: Client, person: Person) -> None:
    run, other = new_id(), new_id()
    async with api.services.changes.follow(person.organization_id, None) as watch:
        await run_changed(bus, person, run, "waiting")
        await run_changed(bus, person, other, "failed")
        await run_changed(bus, person, run, "running")
        await until(lambda: watch._sequence >= watch.start.sequence + 3)
        lost, changes = watch.take_changes()
    assert lost is None
    assert [(change.id, change.state) for _, change in changes] == [(other, "failed"), (run, "running")]
    assert changes[0][0] < changes[1][0]


async def test_reader_that_is_far_too_slow_is_told_to_begin_anew(
    api: Api, bus: Client, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_CHANGES", 2)
    async with api.services.changes.follow(person.organization_id, None) as watch:
        for _ in range(3):
            await run_changed(bus, person, new_id())
        await until(lambda: watch._sequence >= watch.start.sequence + 3)
        lost, changes = watch.take_changes()
        assert (lost, changes) == (watch._sequence, [])
        assert watch.take_changes() == (None, [])


async def test_gap_in_what_is_delivered_ends_the_stream(api: Api, bus: Client, person: Person) -> None:
    async with api.services.changes.follow(person.organization_id, None) as watch:
        watch._delivered = 5
        await run_changed(bus, person, new_id())
        await until(lambda: watch.gone)


async def test_where_nothing_changes_the_bus_is_still_heard_and_missed_when_it_is_not(
    api: Api, bus: Client, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_HEARTBEAT_S", 0.2)
    async with api.services.changes.follow(person.organization_id, None) as watch:
        begun = watch._heard_at
        await until(lambda: watch._heard_at > begun)
        assert not watch.gone
        consumers = await bus.jetstream().consumers_info(streams.DOMAIN_STREAM)
        wanted = f"event.{person.organization_id.hex}.>"
        (own,) = [one for one in consumers if one.config.filter_subject == wanted]
        await bus.jetstream().delete_consumer(streams.DOMAIN_STREAM, own.name)
        monkeypatch.setattr(feed, "_SILENCE_S", 1.0)
        await until(lambda: watch.gone)


async def test_connection_is_kept_alive_by_comments(api: Api, bus: Client, person: Person) -> None:
    with tempo(api, QUICK):
        async with following(api, person) as events:
            assert await events.comment() == ": still here"


async def test_stream_ends_with_the_membership(api: Api, bus: Client, person: Person) -> None:
    with tempo(api, QUICK):
        async with following(api, person) as events:
            await events.sure()
            async with api.services.database.transaction(person.organization_id) as session:
                await session.execute(delete(Membership).where(Membership.user_id == person.user_id))
            assert await events.next() is None


async def test_stream_ends_with_the_session(api: Api, bus: Client, person: Person) -> None:
    with tempo(api, QUICK):
        async with following(api, person) as events:
            await events.sure()
            assert (await person.client.delete("/api/v1/session")).status_code == 204
            assert await events.next() is None


async def test_looking_on_does_not_make_a_session_last_longer(api: Api, person: Person) -> None:
    valkey = api.services.valkey
    (cookie,) = person.client.cookies.jar
    key = _key(cookie.value or "")
    await valkey.expire(key, 100)
    assert await api.app.state.sessions.is_alive(cookie.value or "")
    assert await valkey.ttl(key) <= 100


async def test_stream_ends_after_a_while_and_when_the_process_is_to_stop(
    api: Api, bus: Client, person: Person
) -> None:
    with tempo(api, Tempo(longest_s=0.1)):
        async with following(api, person) as events:
            await events.sure()
            assert await events.next() is None
    try:
        async with following(api, person) as events:
            await events.sure()
            api.services.stopping.set()
            assert await events.next() is None
    finally:
        api.services.stopping.clear()


async def test_nothing_is_held_while_it_lasts_and_nothing_is_left(
    api: Api, bus: Client, person: Person
) -> None:
    pool: Any = api.services.database.engine.pool
    before = len(bus._subs)
    async with over_http(api, person) as client:
        async with client.stream("GET", f"{person.root}/events") as answer:
            await Events(answer).sure()
            await until(lambda: pool.checkedout() == 0)
            assert len(bus._subs) == before + 2
        await until(lambda: len(bus._subs) == before)


async def test_stranger_gets_no_stream(api: Api, person: Person) -> None:
    stranger = await api.person()
    assert (await stranger.client.get(f"{person.root}/events")).status_code == 404


async def test_nobody_takes_more_streams_than_windows_need(
    api: Api, bus: Client, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.app.state.streams, "most", 2)
    other, url = await api.person(), f"{person.root}/events"
    async with following(api, person) as one:
        await one.sure()
        async with following(api, person) as two:
            await two.sure()
            refused = await person.client.get(url)
            assert (refused.status_code, refused.json()["code"]) == (429, "events.too_many")
            assert int(refused.headers["Retry-After"]) > 0
            async with following(api, other) as others:
                await others.sure()
        await until(lambda: api.app.state.streams.of(person.user_id) == 1)
        async with following(api, person) as again:
            await again.sure()
