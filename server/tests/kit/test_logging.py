"""Log lines: one JSON object each, without secrets."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from sbs_server.kit import logging as kit_logging


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Logging set up for real, and put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    found = io.StringIO()
    kit_logging.configure("info", role="test", stream=found)
    yield found
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_lines_and_those_of_libraries_look_alike(stream: io.StringIO) -> None:
    structlog.get_logger().info("ours", number=1)
    logging.getLogger("a.library").warning("theirs %s", 2)
    structlog.get_logger().debug("not wanted")
    first, second = lines(stream)
    assert (first["event"], first["number"], first["level"], first["role"]) == ("ours", 1, "info", "test")
    assert (second["event"], second["logger"], second["level"]) == ("theirs 2", "a.library", "warning")
    assert str(first["timestamp"]).endswith("Z")


def test_a_tls_connection_of_the_bus_that_ends_is_no_warning(stream: io.StringIO) -> None:
    logging.getLogger("asyncio").warning("returning true from eof_received() has no effect when using ssl")
    logging.getLogger("asyncio").warning("another warning")
    assert [line["event"] for line in lines(stream)] == ["another warning"]


def test_secrets_are_blanked_by_name_and_by_form(stream: io.StringIO) -> None:
    token = "sbsenr1.abcDEF-_123.zzz"
    structlog.get_logger().info(
        "attempt",
        password="one",
        nested={"Set-Cookie": "two", "list": [f"see {token}"]},
        url="postgresql://sbs_app:three@127.0.0.1/sbs",
        csrf_token="four",
    )
    logging.getLogger("a.library").error("given %s", token)
    text = stream.getvalue()
    for secret in ("one", "two", "three", "four", "abcDEF"):
        assert f'"{secret}' not in text
        assert f":{secret}@" not in text
        assert f".{secret}" not in text
    assert "127.0.0.1/sbs" in text


def test_errors_come_with_their_traceback_and_context(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        try:
            raise ValueError("what went wrong")
        except ValueError:
            structlog.get_logger().exception("failed")
    (line,) = lines(stream)
    assert "what went wrong" in str(line["exception"])
    assert line["request_id"] == "r1"
