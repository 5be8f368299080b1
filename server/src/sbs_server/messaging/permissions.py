"""What one agent may do on the bus: its own subjects, and nothing else."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from sbs_protocol.identifiers import (
    command_consumer,
    heartbeat_subject,
    inbox_prefix,
    progress_subject,
)
from sbs_server.kit.pki import AgentIdentity
from sbs_server.messaging.streams import command_stream

ACCOUNT = "APP"
_MOST_SUBSCRIPTIONS = 32
_MOST_PAYLOAD_BYTES = 1 << 20
# The backstop of revocation: whatever else fails, a connection must prove itself again after a day. Spread, so
# that agents that came together do not come back together.
_LONGEST_S, _SPREAD_S = 24 * 3600, 4 * 3600


def user_claims(identity: AgentIdentity, user_nkey: str, now: datetime) -> dict[str, Any]:
    """The claims of the NATS user that an agent becomes; `name` makes it appear under its id."""
    latest = int(now.timestamp()) + _LONGEST_S - secrets.randbelow(_SPREAD_S)
    return {
        "sub": user_nkey,
        "name": identity.agent_id.hex,
        "aud": ACCOUNT,
        "exp": min(int(identity.not_after.timestamp()), latest),
        "nats": {
            "pub": {"allow": _may_publish(identity.agent_id)},
            "sub": {"allow": [f"{inbox_prefix(identity.agent_id)}.>"]},
            "subs": _MOST_SUBSCRIPTIONS,
            "data": -1,
            "payload": _MOST_PAYLOAD_BYTES,
            "type": "user",
            "version": 2,
        },
    }


def _may_publish(agent_id: UUID) -> list[str]:
    stream, consumer = command_stream(agent_id), command_consumer(agent_id)
    return [
        f"evt.{agent_id.hex}.>",
        progress_subject(agent_id),
        heartbeat_subject(agent_id),
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}",
        f"$JS.API.CONSUMER.INFO.{stream}.{consumer}",
        f"$JS.ACK.{stream}.{consumer}.>",
        f"$JS.ACK.*.*.{stream}.{consumer}.>",  # the newer form, with domain and account
    ]
