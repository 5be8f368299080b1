"""The relay's and the operator's view of the outbox (as `sbs_system`)."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from sbs_server.models import Outbox, OutboxKind

_ERROR_LENGTH = 500


async def claim(session: AsyncSession, kinds: Sequence[OutboxKind], most: int) -> Sequence[Outbox]:
    """Rows to carry out now, locked until the transaction ends: at most one of each aggregate, its oldest.

    A parked row does not hold up those behind it. Rows that another relay has locked are passed over, and so are
    the rows behind them, because to us they are not published yet.
    """
    earlier = aliased(Outbox)
    blocked = (
        select(earlier.id)
        .where(
            earlier.aggregate == Outbox.aggregate,
            earlier.id < Outbox.id,
            earlier.published_at.is_(None),
            earlier.parked_at.is_(None),
        )
        .exists()
    )
    query = (
        select(Outbox)
        .where(
            Outbox.published_at.is_(None),
            Outbox.parked_at.is_(None),
            Outbox.next_attempt_at <= func.now(),
            Outbox.kind.in_(kinds),
            ~blocked,
        )
        .order_by(Outbox.id)
        .limit(most)
        .with_for_update(skip_locked=True, of=Outbox)
    )
    return (await session.scalars(query)).all()


async def published(session: AsyncSession, ids: Sequence[UUID]) -> None:
    values = {"published_at": func.clock_timestamp(), "last_error": None}
    await session.execute(update(Outbox).where(Outbox.id.in_(ids)).values(**values))


async def failed(session: AsyncSession, row_id: UUID, reason: str, *, again_in_s: float, park: bool) -> None:
    await session.execute(
        update(Outbox)
        .where(Outbox.id == row_id)
        .values(
            attempts=Outbox.attempts + 1,
            last_error=reason[:_ERROR_LENGTH],
            next_attempt_at=func.clock_timestamp() + timedelta(seconds=again_in_s),
            parked_at=func.clock_timestamp() if park else None,
        )
    )


async def waiting(session: AsyncSession, *, parked_only: bool, most: int) -> Sequence[Outbox]:
    """Rows that are not published, oldest first."""
    query = select(Outbox).where(Outbox.published_at.is_(None)).order_by(Outbox.id).limit(most)
    if parked_only:
        query = query.where(Outbox.parked_at.is_not(None))
    return (await session.scalars(query)).all()


async def retry(session: AsyncSession, ids: Sequence[UUID] | None) -> int:
    """Has parked rows (these, or all) tried again from the beginning. Gives back how many."""
    statement = (
        update(Outbox)
        .where(Outbox.published_at.is_(None), Outbox.parked_at.is_not(None))
        .values(parked_at=None, attempts=0, next_attempt_at=func.now())
        .returning(Outbox.id)
    )
    if ids is not None:
        statement = statement.where(Outbox.id.in_(ids))
    return len((await session.scalars(statement)).all())
