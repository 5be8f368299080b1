"""Logs: one JSON object a line on standard error, for our own lines and those of libraries alike.

Whatever looks like a secret by its name, and enrolment tokens wherever they stand, are blanked out before a line is
written: the second line of defence, the first being not to log them.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_NAME = re.compile(
    r"password|passwd|secret|token|authorization|cookie|credential|private|seed|api_?key|kek", re.IGNORECASE
)
_SECRET_TEXT = re.compile(
    r"sbsenr1\.[A-Za-z0-9_-]+|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)|-----BEGIN [A-Z ]*PRIVATE KEY.*", re.DOTALL
)
_BLANK = "[secret]"
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(level: str, *, role: str, stream: TextIO | None = None) -> None:
    """Sets up logging for this process. `level`: debug, info, warning or error."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(shared, role))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    # Every statement and every request of a client library is noise even to who looks for a fault.
    for chatty in ("httpx", "httpcore", "asyncio", "temporalio"):
        logging.getLogger(chatty).setLevel(max(_LEVELS[level], logging.WARNING))
    logging.getLogger("asyncio").addFilter(_says_something)


def _says_something(record: logging.LogRecord) -> bool:
    """False for what asyncio says whenever the other side ends a TLS connection of nats-py.

    nats-py starts TLS under a stream that was made without it, so that the stream's protocol asks to be kept half
    open, which TLS can't be. The connection ends all the same, and is told of as lost by whoever holds it.
    """
    return record.msg != "returning true from eof_received() has no effect when using ssl"


def _formatter(shared: list[Processor], role: str) -> structlog.stdlib.ProcessorFormatter:
    def add_role(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {**event, "role": role}

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            add_role,
            without_secrets,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def without_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The line with secrets blanked out, at any depth."""
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: object) -> object:
    if _SECRET_NAME.search(key):
        return _BLANK
    if isinstance(value, str):
        return _SECRET_TEXT.sub(_BLANK, value)
    if isinstance(value, Mapping):
        return {name: _clean(str(name), entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_clean("", entry) for entry in value]
    return value
