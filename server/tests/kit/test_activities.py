"""When a failed step is tried again, and when it has failed for good."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from sbs_server.kit.activities import MOST_ATTEMPTS, Patience, SignsOfLife


class _PostgresError(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__("Failing row contains (hunter2)")
        self.sqlstate = sqlstate


class _Failing(ActivityInboundInterceptor):
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the library's name
        raise self._error


def _of_database(sqlstate: str) -> DBAPIError:
    return DBAPIError("INSERT …", None, _PostgresError(sqlstate))


async def _judged(error: Exception, attempt: int) -> tuple[ApplicationError, list[Any]]:
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt)
    step = Patience().intercept_activity(_Failing(error))
    given = ExecuteActivityInput(fn=lambda: None, args=[], executor=None, headers={})
    with capture_logs() as lines, pytest.raises(ApplicationError) as raised:
        await environment.run(step.execute_activity, given)
    return raised.value, list(lines)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "refused"),
        TimeoutError(),
        _of_database("57P03"),
        RPCError("away", RPCStatusCode.UNAVAILABLE, b""),
    ],
)
async def test_who_is_down_is_waited_for(error: Exception) -> None:
    judged, (line,) = await _judged(error, MOST_ATTEMPTS * 100)
    assert not judged.non_retryable
    assert line["log_level"] == "warning"


@pytest.mark.parametrize(
    "error", [KeyError("x"), _of_database("42P01"), FileNotFoundError(2, "no such file", "/kek")]
)
async def test_a_mistake_is_told_and_ends_the_step_in_the_end(error: Exception) -> None:
    for attempt in (1, MOST_ATTEMPTS):
        judged, (line,) = await _judged(error, attempt)
        assert judged.non_retryable == (attempt == MOST_ATTEMPTS)
        assert (line["log_level"], line["attempt"]) == ("error", attempt)


async def test_the_drivers_words_go_nowhere() -> None:
    judged, lines = await _judged(_of_database("23505"), 1)
    assert "hunter2" not in f"{judged} {judged.__cause__} {lines}"
    assert judged.__suppress_context__


async def test_a_step_may_decide_itself() -> None:
    own = ApplicationError("revoked", type="agent_revoked", non_retryable=True)
    environment = ActivityEnvironment()
    step = Patience().intercept_activity(_Failing(own))
    given = ExecuteActivityInput(fn=lambda: None, args=[], executor=None, headers={})
    with pytest.raises(ApplicationError) as raised:
        await environment.run(step.execute_activity, given)
    assert raised.value is own


class _AtWork(ActivityInboundInterceptor):
    """At work until it has been heard of so often."""

    def __init__(self, beats: int) -> None:
        self._left = beats
        self._heard = asyncio.Event()

    def beat(self, *details: Any) -> None:
        del details
        self._left -= 1
        if not self._left:
            self._heard.set()

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the library's name
        async with asyncio.timeout(30):
            await self._heard.wait()


async def test_a_step_that_has_to_gives_signs_of_life_while_it_is_at_work() -> None:
    environment, work = ActivityEnvironment(), _AtWork(3)
    environment.info = replace(environment.info, heartbeat_timeout=timedelta(milliseconds=30))
    environment.on_heartbeat = work.beat
    step = SignsOfLife().intercept_activity(work)
    given = ExecuteActivityInput(fn=lambda: None, args=[], executor=None, headers={})
    await environment.run(step.execute_activity, given)
    assert not [task for task in asyncio.all_tasks() if "_beat" in repr(task)], (
        "it beats for a step that is over"
    )
