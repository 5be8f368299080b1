"""What is remembered of connections while the servers are being asked about them."""

from itertools import count
from uuid import uuid4

from sbs_server.messaging.live_connections import Connection, LiveConnections

AGENT = uuid4()
FIRST, SECOND = Connection("S", 1), Connection("S", 2)


def test_the_last_connection_to_end_is_the_one_that_counts() -> None:
    live = LiveConnections()
    live.add(AGENT, FIRST)
    live.add(AGENT, SECOND)
    assert live.remove(AGENT, FIRST) is False
    assert live.remove(AGENT, SECOND) is True


def test_an_answer_of_the_servers_replaces_what_was_heard_before_the_question() -> None:
    ticks = count()
    live = LiveConnections(lambda: next(ticks))
    live.add(AGENT, FIRST)
    live.replace([(AGENT, SECOND)], live.now())
    assert live.of(AGENT) == {SECOND}


def test_what_is_heard_while_the_answer_is_on_its_way_is_newer() -> None:
    ticks = count()
    live = LiveConnections(lambda: next(ticks))
    live.add(AGENT, FIRST)
    asked_at = live.now()
    live.add(AGENT, SECOND)
    live.remove(AGENT, FIRST)
    live.replace([(AGENT, FIRST)], asked_at)
    assert live.of(AGENT) == {SECOND}
