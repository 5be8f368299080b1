"""Passwords of people: Argon2id, in threads, a few at a time."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's first choice for Argon2id (46 MiB, one pass) doubled in passes: about 0.1 s. Two at a time bound the memory
# that strangers can make us use to 92 MiB; the others wait.
_MEMORY_KIB = 46 * 1024
_PASSES = 2
_AT_A_TIME = 2


class Passwords:
    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=1)
        self._turns = asyncio.Semaphore(_AT_A_TIME)
        # What an unknown account is compared with, so that it takes as long as a known one.
        self._nobodys = self._hasher.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password is right; the same work if there is nothing to compare with (None)."""
        async with self._turns:
            matches = await asyncio.to_thread(self._matches, stored or self._nobodys, password)
        return matches and stored is not None

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
