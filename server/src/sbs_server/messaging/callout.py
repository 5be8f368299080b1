"""The auth callout: NATS asks who a client is, we answer from its verified certificate and the database.

Request and answer are NATS JWTs on `$SYS.REQ.USER.AUTH`. Only `verified_chains` counts: `certs` is what a client
merely sent. A refused client learns nothing but NATS's "Authorization Violation"; the reason is in our log.
Whatever goes wrong on the way to a yes is a no.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from cryptography.x509 import Certificate
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from sqlalchemy.exc import SQLAlchemyError

from sbs_server.kit.nkeys import BadJwtError, NkeyPair, decode_jwt, encode_jwt
from sbs_server.kit.pki import AgentIdentity, CertificateRefusedError, parse_agent_identity
from sbs_server.messaging.errors import AgentRefusedError, NotConnectedError
from sbs_server.messaging.live_connections import Connection, LiveConnections
from sbs_server.messaging.permissions import user_claims
from sbs_server.messaging.registry import AgentRegistry

log = structlog.get_logger()

SUBJECT = "$SYS.REQ.USER.AUTH"
_QUEUE = "callout"
# NATS itself waits up to 30 s; a client that is told no at once comes back in its own time.
_DECIDE_S = 3.0
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class _Request:
    user_nkey: str
    connection: Connection
    leaf_pem: str | None


class Callout:
    """`prepare` is run for an agent before it is let in: it makes the agent's command consumer."""

    def __init__(
        self,
        issuer: NkeyPair,
        agent_cas: Sequence[Certificate],
        registry: AgentRegistry,
        live: LiveConnections,
        prepare: Callable[[UUID], Awaitable[None]],
    ) -> None:
        self._issuer = issuer
        self._agent_cas = agent_cas
        self._registry = registry
        self._live = live
        self._prepare = prepare
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def serve(self, client: Client) -> None:
        """Answers until the connection ends."""
        async with asyncio.TaskGroup() as answers:

            async def on_request(message: Msg) -> None:
                await self._free.acquire()
                task = answers.create_task(self._respond(message))
                task.add_done_callback(lambda _: self._free.release())

            await client.subscribe(SUBJECT, queue=_QUEUE, cb=on_request)
            await client.flush()
            await asyncio.Event().wait()

    async def _respond(self, message: Msg) -> None:
        try:
            answer = await self.answer(message.data.decode("utf-8", "replace"))
            await message.respond(answer.encode())
        except BadJwtError as error:
            log.warning("callout_request_unreadable", reason=str(error))
        except (NatsError, OSError) as error:
            log.warning("callout_answer_not_sent", reason=str(error))
        except Exception:  # one client's mistake must not end the answers to others; no answer is a no
            log.exception("callout_failed")

    async def answer(self, token: str) -> str:
        """The signed answer to one request. Errors: BadJwtError."""
        claims = decode_jwt(token, issuer_kind="server")
        request, server_id = _read(claims)
        nats: dict[str, Any] = {"type": "authorization_response", "version": 2}
        try:
            async with asyncio.timeout(_DECIDE_S):
                identity = await self._decide(request)
        except (AgentRefusedError, CertificateRefusedError) as error:
            log.warning("agent_refused", reason=str(error), client=request.connection.client_id)
            nats["error"] = "refused"
        except (SQLAlchemyError, NatsError, NotConnectedError, OSError, TimeoutError) as error:
            # The type alone: a driver's message may quote what it was given.
            log.warning("agent_refused_for_now", reason=type(error).__name__)
            nats["error"] = "refused"
        else:
            nats["jwt"] = encode_jwt(
                user_claims(identity, request.user_nkey, datetime.now(UTC)), self._issuer
            )
        return encode_jwt({"sub": request.user_nkey, "aud": server_id, "nats": nats}, self._issuer)

    async def _decide(self, request: _Request) -> AgentIdentity:
        if request.leaf_pem is None:
            raise AgentRefusedError("no verified client certificate")
        identity = parse_agent_identity(request.leaf_pem, self._agent_cas)
        await self._registry.admit(identity)
        # Remembered before the yes: a revocation that comes now finds the connection.
        self._live.add(identity.agent_id, request.connection)
        await self._prepare(identity.agent_id)
        log.info("agent_admitted", agent=identity.agent_id.hex, client=request.connection.client_id)
        return identity


def _read(claims: dict[str, Any]) -> tuple[_Request, str]:
    try:
        nats = claims["nats"]
        server_id = str(nats["server_id"]["id"])
        connection = Connection(server_id, int(nats["client_info"]["id"]))
        chains = (nats.get("client_tls") or {}).get("verified_chains") or []
        leaf = str(chains[0][0]) if chains and chains[0] else None
        user_nkey = str(nats["user_nkey"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadJwtError("a callout request of an unknown form") from error
    if claims.get("iss") != server_id:
        raise BadJwtError("a callout request that its server has not signed")
    return _Request(user_nkey, connection, leaf), server_id
