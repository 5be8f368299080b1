"""Reading the audit log's chains (as `sbs_system`, which sees them all)."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from uuid import UUID

from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.audit.verify import ChainCheck, Fault
from sbs_server.models import AuditChain, AuditEntry

PLATFORM = UUID(int=0)
"""The chain of acts without an organization."""
_AT_ONCE = 1000


async def chains(session: AsyncSession) -> Sequence[UUID]:
    """Every chain that has entries or an end."""
    return (
        await session.scalars(union(select(AuditChain.chain), select(AuditEntry.chain)).order_by("chain"))
    ).all()


async def check(session: AsyncSession, chain: UUID) -> tuple[ChainCheck, Fault | None]:
    """How far the chain is whole, and what is wrong then. The transaction should see one moment of the database."""
    progress = ChainCheck(chain)
    async with aclosing(_entries(session, chain)) as entries:
        async for entry in entries:
            fault = progress.add(entry)
            if fault is not None:
                return progress, fault
    return progress, progress.end(await session.get(AuditChain, chain))


async def _entries(session: AsyncSession, chain: UUID) -> AsyncGenerator[AuditEntry, None]:
    query = select(AuditEntry).where(AuditEntry.chain == chain).order_by(AuditEntry.sequence)
    found = await session.stream_scalars(query.execution_options(yield_per=_AT_ONCE))
    try:
        async for entry in found:
            yield entry
    finally:
        await found.close()
