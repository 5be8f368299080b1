"""Idempotency keys: the same POST, sent twice, happens once and is answered twice.

A key belongs to a user and a route and lives 24 hours (swept by the bus role). The row is written in the
request's own transaction: a second request with the same key waits for the first one's end.
"""

import hashlib
import json
from typing import Any
from uuid import UUID

from fastapi import Request, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.kit.errors import BadRequestError, ConflictError

_LONGEST_KEY = 255

_CLAIM = text(
    "INSERT INTO idempotency_key (user_id, route, key, request_sha256) VALUES (:user, :route, :key, :digest)"
    " ON CONFLICT (user_id, route, key) DO NOTHING RETURNING true"
)
_READ = text(
    "SELECT request_sha256, status, response FROM idempotency_key"
    " WHERE user_id = :user AND route = :route AND key = :key"
)
_KEEP = text(
    "UPDATE idempotency_key SET status = :status, response = CAST(:response AS jsonb), updated_at = now()"
    " WHERE user_id = :user AND route = :route AND key = :key"
)


class Idempotency:
    """One claimed key."""

    class AlreadyAnswered(Exception):  # noqa: N818 - not an error: the answer of before
        def __init__(self, response: Response) -> None:
            super().__init__("answered before")
            self.response = response

    def __init__(self, identity: dict[str, Any]) -> None:
        self._identity = identity
        self._withheld: tuple[str, ...] = ()

    def withhold(self, *members: str) -> None:
        """Members of the answer that are shown once: what is kept, and replayed, has null in their place."""
        self._withheld = members

    @classmethod
    async def begin(cls, session: AsyncSession, request: Request, user_id: UUID, key: str) -> "Idempotency":
        """Claims the key for this request. The transaction must already be that user's."""
        if not key or len(key) > _LONGEST_KEY:
            raise BadRequestError("request.idempotency_key", longest=_LONGEST_KEY)
        identity = {"user": user_id, "route": f"{request.method} {request.url.path}", "key": key}
        digest = hashlib.sha256(await request.body()).digest()
        if (await session.execute(_CLAIM, {**identity, "digest": digest})).first() is not None:
            return cls(identity)
        before = (await session.execute(_READ, identity)).one()
        if bytes(before.request_sha256) != digest:
            raise ConflictError("request.idempotency_key_reused")
        raise cls.AlreadyAnswered(_replay(before.status, before.response))

    async def keep(self, session: AsyncSession, response: Response) -> None:
        """Stores the answer, in the transaction of the act."""
        kept = {
            "body": self._without_secrets(bytes(response.body).decode("utf-8")),
            "headers": {
                k: v for k, v in response.headers.items() if k in {"content-type", "etag", "location"}
            },
        }
        await session.execute(
            _KEEP, {**self._identity, "status": response.status_code, "response": json.dumps(kept)}
        )

    def _without_secrets(self, body: str) -> str:
        if not self._withheld:
            return body
        return json.dumps(json.loads(body) | dict.fromkeys(self._withheld), ensure_ascii=False)


def _replay(status: int, kept: dict[str, Any]) -> Response:
    headers = {**kept["headers"], "Idempotency-Replayed": "true"}
    return Response(kept["body"], status_code=status, headers=headers)
