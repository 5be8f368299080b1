"""What the log says of an event that could not be handled."""

from types import SimpleNamespace
from typing import Any, cast

from nats.aio.client import Client
from nats.aio.msg import Msg
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from sbs_server.messaging.events import EventConsumer


class _Failing(EventConsumer):
    def __init__(self) -> None:
        """Nothing of it is used: each event fails on its way into the database."""

    async def handle(self, message: Msg) -> None:
        raise DBAPIError("INSERT …", None, Exception("Failing row contains (hunter2)"))


async def test_a_database_error_is_logged_without_what_was_to_be_stored() -> None:
    message = SimpleNamespace(subject="evt.x.hello", metadata=SimpleNamespace(num_delivered=1))
    with capture_logs() as lines:
        taken = await _Failing()._take(cast("Client", None), cast("Any", message))
    assert not taken
    (line,) = lines
    assert "exc_info" not in line
    assert "hunter2" not in str(line)
