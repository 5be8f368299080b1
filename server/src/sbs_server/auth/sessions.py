"""Sessions of people, in Valkey.

The cookie holds 32 random bytes; what is stored under their SHA-256 opens nothing by itself. A session ends after
twelve hours without use, seven days after sign-in, or when its person signs out.
"""

import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Request, Response
from valkey.asyncio import Valkey

from sbs_server.auth.cookie import SESSION_COOKIE

COOKIE = SESSION_COOKIE
_IDLE_S = 12 * 3600
_LONGEST_S = 7 * 24 * 3600
_SECRET_BYTES = 32
_LONGEST_COOKIE = 100


@dataclass(frozen=True, slots=True)
class StoredSession:
    """`started_at` in seconds since the epoch. The CSRF token lives exactly as long as the session."""

    user_id: UUID
    csrf_token: str
    started_at: float


class Sessions:
    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def start(self, user_id: UUID) -> tuple[str, StoredSession]:
        """A new session; the text is for the cookie and is stored nowhere."""
        cookie, csrf_token = secrets.token_urlsafe(_SECRET_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
        session = StoredSession(user_id, csrf_token, time.time())
        value = json.dumps(
            {"user_id": user_id.hex, "csrf_token": csrf_token, "started_at": session.started_at}
        )
        await self._valkey.set(_key(cookie), value, ex=_IDLE_S)
        return cookie, session

    async def find(self, cookie: str) -> StoredSession | None:
        """The session behind a cookie, whose idle time begins anew."""
        if not cookie or len(cookie) > _LONGEST_COOKIE:
            return None
        value = cast("bytes | None", await self._valkey.getex(_key(cookie), ex=_IDLE_S))
        if value is None:
            return None
        data = json.loads(value)
        session = StoredSession(UUID(hex=data["user_id"]), data["csrf_token"], data["started_at"])
        if time.time() - session.started_at > _LONGEST_S:
            await self.end(cookie)
            return None
        return session

    async def is_alive(self, cookie: str) -> bool:
        """Whether there still is a session behind the cookie. Its idle time goes on: nobody did anything."""
        if not cookie or len(cookie) > _LONGEST_COOKIE:
            return False
        value = cast("bytes | None", await self._valkey.get(_key(cookie)))
        return value is not None and time.time() - json.loads(value)["started_at"] <= _LONGEST_S

    async def end(self, cookie: str) -> None:
        await self._valkey.delete(_key(cookie))


def set_cookie(response: Response, cookie: str) -> None:
    """A `__Host-` cookie: this host only, HTTPS only, out of reach of scripts. Ends with the browser."""
    response.set_cookie(COOKIE, cookie, path="/", secure=True, httponly=True, samesite="lax")


def clear_cookie(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")


def _key(cookie: str) -> str:
    return f"session:{hashlib.sha256(cookie.encode()).hexdigest()}"


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions


CurrentSessions = Annotated[Sessions, Depends(_sessions)]
