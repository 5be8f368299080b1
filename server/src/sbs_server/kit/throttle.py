"""Limits on how often something may be tried, counted in Valkey over fixed windows."""

import hashlib
import ipaddress
from dataclasses import dataclass
from typing import cast

from valkey.asyncio import Valkey

from sbs_server.kit.errors import TooManyRequestsError


@dataclass(frozen=True, slots=True)
class Window:
    """`limit` times in `seconds` for each subject; `name` keeps the counters of different limits apart."""

    name: str
    limit: int
    seconds: int


class Throttle:
    """Counts. Subjects are stored as hashes: an address or an e-mail is nobody's business in the cache."""

    def __init__(self, valkey: Valkey, window: Window) -> None:
        self._valkey = valkey
        self._window = window

    async def hit(self, subject: str) -> int:
        """Counts one more and gives back how many are left. Raises `TooManyRequestsError` beyond the limit."""
        key = self._key(subject)
        async with self._valkey.pipeline(transaction=True) as pipe:
            pipe.set(key, 0, ex=self._window.seconds, nx=True)
            pipe.incr(key)
            pipe.ttl(key)
            _, count, ttl = await pipe.execute()
        if count > self._window.limit:
            raise self._too_many(ttl)
        return self._window.limit - int(count)

    async def check(self, subject: str) -> None:
        """Raises `TooManyRequestsError` if the limit is reached; counts nothing."""
        key = self._key(subject)
        count = cast("bytes | None", await self._valkey.get(key))
        if count is not None and int(count) >= self._window.limit:
            raise self._too_many(await self._valkey.ttl(key))

    async def forget(self, subject: str) -> None:
        """Begins anew for this subject."""
        await self._valkey.delete(self._key(subject))

    def _key(self, subject: str) -> str:
        return f"throttle:{self._window.name}:{hashlib.sha256(subject.encode()).hexdigest()[:32]}"

    def _too_many(self, ttl: int) -> TooManyRequestsError:
        return TooManyRequestsError("request.too_many", retry_after_s=max(1, ttl))


def network_of(address: str | None) -> str:
    """What counts as one place: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(
            ipaddress.ip_network(
                (parsed.ipv4_mapped or parsed, 64 if parsed.ipv4_mapped is None else 32), strict=False
            )
        )
    return str(parsed)
