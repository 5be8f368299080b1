"""Turns, reporting and backoff: the small parts that everything else leans on."""

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbs_agent.endings import end
from sbs_agent.journal import Journal, Key
from sbs_agent.pace import Backoff, Pace
from sbs_agent.reporting import Reporter, examples
from sbs_agent.testing.work import Work
from sbs_agent.turns import Turns
from sbs_protocol.commands import BackupRun
from sbs_protocol.events import WARNINGS_PER_EVENT, CommandWarnings, FileWarning, event_adapter
from sbs_protocol.paths import WirePath

MIB = 1024 * 1024


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 3))
async def test_never_two_on_one_repository_and_never_more_than_the_limit(
    repositories: list[int], limit: int
) -> None:
    turns, at_work, most = Turns(limit), [], 0

    async def work(repository: UUID) -> None:
        nonlocal most
        async with turns.take(repository, asyncio.Event()) as ours:
            assert ours
            assert repository not in at_work
            at_work.append(repository)
            most = max(most, len(at_work))
            await asyncio.sleep(0)
            at_work.remove(repository)

    await asyncio.gather(*(work(UUID(int=r)) for r in repositories))
    assert most <= limit
    assert at_work == []


async def test_one_that_is_stopped_while_it_waits_holds_nothing() -> None:
    turns, stop = Turns(1), asyncio.Event()
    repository = uuid4()
    async with turns.take(repository, asyncio.Event()):
        stop.set()
        async with turns.take(repository, stop) as ours:
            assert not ours
    async with turns.take(repository, asyncio.Event()) as ours:
        assert ours


async def test_a_busy_repository_does_not_hold_up_the_others() -> None:
    turns, busy = Turns(2), uuid4()
    async with turns.take(busy, asyncio.Event()):
        waiting = asyncio.create_task(_take(turns, busy))
        await asyncio.sleep(0)
        assert await _take(turns, uuid4())
        assert not waiting.done()
    assert await waiting


async def _take(turns: Turns, repository: UUID) -> bool:
    async with turns.take(repository, asyncio.Event()) as ours:
        return ours


@pytest.fixture
def job_reporter(work: Work) -> Reporter:
    body = BackupRun(dataset_id=uuid4(), restic_repository_id=uuid4(), sources=["/a"], host="h")
    return work.job(body).reporter


async def test_warnings_leave_in_events_that_the_bus_can_carry(work: Work, job_reporter: Reporter) -> None:
    path = WirePath.from_bytes(b"/" + b"\xff" * 4000)
    for _ in range(WARNINGS_PER_EVENT + 20):
        job_reporter.warn(FileWarning(path=path, code="unreadable", message="x" * 5000))
    job_reporter.flush()
    counted = 0
    while (event := work.journal.next_event()) is not None:
        work.journal.acknowledge(event.sequence)
        if isinstance(event.body, CommandWarnings):
            assert event.body.first_index == counted
            counted += len(event.body.warnings)
            assert len(event_adapter.dump_json(event)) < MIB
    assert counted == WARNINGS_PER_EVENT + 20


def test_examples_fit_into_a_message() -> None:
    paths = [WirePath.from_bytes(b"/" + b"\xff" * 4000)] * 1000
    chosen = examples(paths, 1000)
    assert 0 < len(chosen) < 1000
    assert sum(len(path.model_dump_json()) for path in chosen) < MIB // 2
    assert examples([WirePath(text="/a")] * 3, 2) == [WirePath(text="/a")] * 2


async def test_progress_is_not_sent_more_often_than_allowed(tmp_path: Path) -> None:
    sent: list[object] = []

    async def publish(progress: object) -> None:
        sent.append(progress)

    journal = Journal(tmp_path / "journal.db")
    reporter = Reporter(Key("x", 1), journal, publish, pause=60.0)
    for done in range(100):
        await reporter.progress("transferring", size=(done, 100))
    journal.close()
    assert len(sent) == 1


@given(st.floats(0.1, 10), st.floats(10, 600))
def test_waits_grow_to_their_limit_and_never_vanish(first: float, longest: float) -> None:
    backoff = Backoff(first, longest)
    waits = [backoff.next() for _ in range(30)]
    assert all(0 < wait <= longest for wait in waits)
    assert waits[-1] >= longest / 2
    backoff.reset()
    assert backoff.next() <= first


def test_the_defaults_are_the_promised_ones() -> None:
    pace = Pace()
    assert (pace.heartbeat, pace.progress) == (10.0, 0.5)
    assert pace.refused_first >= 10


async def test_a_task_that_swallows_its_first_cancellation_is_ended_all_the_same() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 2:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await end([task])
    assert task.cancelled()
