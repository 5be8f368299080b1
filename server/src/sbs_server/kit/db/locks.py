"""Locks of the database with a name, for what no row stands for (yet)."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


async def lock(session: AsyncSession, name: str) -> None:
    """Waits until no other transaction has the lock of that name; this one then has it until it ends."""
    await session.execute(_LOCK, {"name": name})
