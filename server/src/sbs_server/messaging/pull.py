"""Taking messages from a JetStream pull consumer in batches, without waiting for a batch to fill.

nats-py's `fetch(n)` waits for its whole timeout when fewer than n messages are there; `fetch(1)` asks anew for
each message. Here one request stays open at the server, and what arrives is handed on at once.
"""

import json
from collections.abc import AsyncIterator

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import TimeoutError as NatsTimeoutError

from sbs_server.messaging.errors import ConsumerGoneError

_EXPIRES_S = 20
_GRACE_S = 5  # the server says that a request has expired; hearing nothing at all means that it was lost
_ENDED = {"404", "408"}  # no messages, expired: ask again


async def batches(client: Client, stream: str, consumer: str, size: int) -> AsyncIterator[list[Msg]]:
    """Batches of 1 to `size` messages, for ever. The next request goes out when a batch has been handled.

    Errors: ConsumerGoneError, nats.errors.Error.
    """
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
    open_for = 0
    while True:
        if open_for == 0:
            request = {"batch": size, "expires": _EXPIRES_S * 1_000_000_000}
            await client.publish(subject, json.dumps(request).encode(), reply=inbox)
            open_for = size
        batch, ended = await _arrived(subscription)
        open_for = 0 if ended else open_for - len(batch)
        if batch:
            yield batch


async def _arrived(subscription: Subscription) -> tuple[list[Msg], bool]:
    """What has come, and whether the request is over."""
    try:
        messages = [await subscription.next_msg(timeout=_EXPIRES_S + _GRACE_S)]
    except NatsTimeoutError:
        return [], True
    while subscription.pending_msgs:
        messages.append(await subscription.next_msg(timeout=1))
    statuses = [status for status in map(_status, messages) if status is not None]
    for status in statuses:
        if status not in _ENDED:
            raise ConsumerGoneError(f"the pull request was answered with status {status}")
    return [message for message in messages if _status(message) is None], bool(statuses)


def _status(message: Msg) -> str | None:
    """A message of the server about the request, not of the stream."""
    return (message.headers or {}).get("Status") if not message.data else None
