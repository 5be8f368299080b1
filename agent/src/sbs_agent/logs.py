"""Logs: JSON lines for a service's journal, or text for a person. Secrets never get as far as a log call."""

import logging
import sys
from enum import StrEnum

import structlog


class Style(StrEnum):
    CONSOLE = "console"
    JSON = "json"


def configure(style: Style, level: int = logging.INFO) -> None:
    """Send our own logs and those of the libraries to stderr, in one shape."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=_rendering(style), foreign_pre_chain=shared)
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in ("httpx", "httpcore", "nats", "asyncio"):
        logging.getLogger(noisy).setLevel(max(level, logging.WARNING))
    logging.getLogger("asyncio").addFilter(_says_something)


def _says_something(record: logging.LogRecord) -> bool:
    """False for what asyncio says whenever the other side ends a TLS connection of nats-py.

    nats-py starts TLS under a stream that was made without it, so that the stream's protocol asks to be kept half
    open, which TLS can't be. The connection ends all the same, and is told of as lost by whoever holds it.
    """
    return record.msg != "returning true from eof_received() has no effect when using ssl"


def _rendering(style: Style) -> list[structlog.typing.Processor]:
    drop = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if style is Style.JSON:
        return [drop, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # Not rich's traceback: it shows what local variables hold, and one of them may be a password.
    plain = structlog.dev.plain_traceback
    return [drop, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
