"""Valkey: the client as every role uses it."""

from valkey.asyncio import Valkey
from valkey.asyncio.retry import Retry
from valkey.backoff import ConstantBackoff

from sbs_server.config import ValkeySettings

_CONNECT_S = 2.0
_ANSWER_S = 5.0
_RETRY_S = 0.05


def connect(settings: ValkeySettings) -> Valkey:
    """A client (answers are bytes); connects when it is first used, again after a loss. End it with `aclose()`."""
    return Valkey(
        host=settings.host,
        port=settings.port,
        unix_socket_path=None if settings.socket is None else str(settings.socket),
        password=settings.password(),
        socket_connect_timeout=_CONNECT_S,
        socket_timeout=_ANSWER_S,
        health_check_interval=30,
        # The library's own three tries take seconds, and a request is waiting.
        retry=Retry(ConstantBackoff(_RETRY_S), retries=2),
    )
