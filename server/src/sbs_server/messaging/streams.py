"""The streams and consumers of the bus.

CMD     work queue, `cmd.<agent>`: commands wait here until their agent has stored them
EVT     work queue, `evt.<agent>.<kind>`: agents' events wait here until they are handled
EVENTS  `event.<organization>.<type>`: domain events of the last seven days, for whoever wants to follow
PARKED  `parked.>`: agents' messages that can't be handled, kept for a person to look at
"""

from uuid import UUID

import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import BadRequestError

from sbs_protocol.identifiers import COMMAND_STREAM, EVENT_STREAM, command_consumer, command_subject

log = structlog.get_logger()

DOMAIN_STREAM = "EVENTS"
PARKED_STREAM = "PARKED"
EVENT_CONSUMER = "bus"

ACK_WAIT_S = 60
MAX_ACK_PENDING = 512
_DAY_S = 86_400
# One stream carries some 5,000 agents: making a consumer compares its filter with all others of the stream.
# Beyond that `cmd.*` is split by a hash of the agent; `command_stream` is the only place that knows.
_MAX_CONSUMERS = 20_000
_STREAM_NAME_IN_USE = 10058

_STREAMS = (
    StreamConfig(
        name=COMMAND_STREAM,
        subjects=["cmd.*"],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        max_msgs_per_subject=1000,
        discard=DiscardPolicy.NEW,
        discard_new_per_subject=True,
        duplicate_window=600,
        max_age=7 * _DAY_S,  # an agent that was away for longer gets its open commands again after its hello
        allow_direct=False,
        allow_msg_ttl=True,
        max_consumers=_MAX_CONSUMERS,
    ),
    StreamConfig(
        name=EVENT_STREAM,
        subjects=["evt.*.>"],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        duplicate_window=600,
        allow_direct=False,
    ),
    StreamConfig(
        name=DOMAIN_STREAM,
        subjects=["event.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        max_age=7 * _DAY_S,
        duplicate_window=600,
        allow_direct=False,
    ),
    StreamConfig(
        name=PARKED_STREAM,
        subjects=["parked.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        max_age=30 * _DAY_S,
        max_bytes=64 * 1024 * 1024,
        max_msgs_per_subject=1000,
        allow_direct=False,
    ),
)


def command_stream(agent_id: UUID) -> str:
    """The stream that carries an agent's commands: today one for all."""
    del agent_id
    return COMMAND_STREAM


async def prepare(client: Client) -> None:
    """Creates streams and consumers, or changes them to what this version wants. Errors: nats.errors.Error."""
    jetstream = client.jetstream()
    for config in _STREAMS:
        await _ensure_stream(jetstream, config)
    await jetstream.add_consumer(
        EVENT_STREAM,
        ConsumerConfig(
            durable_name=EVENT_CONSUMER,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_S,
            max_ack_pending=MAX_ACK_PENDING,
        ),
    )


async def ensure_agent_consumer(jetstream: JetStreamContext, agent_id: UUID) -> None:
    """The pull consumer from which an agent takes its commands.

    It lives in memory and may be lost at any time: the stream keeps what is not acknowledged, and a consumer
    made again delivers exactly that. Errors: nats.errors.Error.
    """
    await jetstream.add_consumer(
        command_stream(agent_id),
        ConsumerConfig(
            durable_name=command_consumer(agent_id),
            filter_subject=command_subject(agent_id),
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=30,
            max_ack_pending=16,
            max_waiting=4,
            mem_storage=True,
            inactive_threshold=3600,
        ),
    )


async def _ensure_stream(jetstream: JetStreamContext, config: StreamConfig) -> None:
    try:
        await jetstream.add_stream(config)
    except BadRequestError as error:
        if error.err_code != _STREAM_NAME_IN_USE:
            raise
        await jetstream.update_stream(config)
        log.info("stream_updated", stream=config.name)
