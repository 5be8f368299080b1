"""Sessions: one transaction, its tenant set once, transaction-locally, when it begins.

No tenant means no rows: the policies compare with a setting that is then empty.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import URL, Connection, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, SessionTransaction

_SET = text(
    "SELECT set_config('sbs.organization_id', :organization, true), set_config('sbs.user_id', :user, true)"
)

_SET_FOR_CONNECTION = text("SELECT set_config('sbs.organization_id', :organization, false)")


class TenantSession(Session):
    """Sets the tenant in every transaction it begins, also after a rollback."""


@event.listens_for(TenantSession, "after_begin")
def _set_tenant(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    organization, user = session.info.get("organization_id"), session.info.get("user_id")
    if organization is None and user is None:
        return
    connection.execute(_SET, {"organization": _text(organization), "user": _text(user)})


async def enter(session: AsyncSession, organization_id: UUID | None, user_id: UUID | None) -> None:
    """Moves a transaction that has begun already: from here on it sees this organization's rows and no others."""
    session.info.update(organization_id=organization_id, user_id=user_id)
    await session.execute(_SET, {"organization": _text(organization_id), "user": _text(user_id)})


def work_for(connection: Connection, organization_id: UUID | None) -> None:
    """For a migration without a transaction: whose rows its connection sees from here on (None: nobody's)."""
    connection.execute(_SET_FOR_CONNECTION, {"organization": _text(organization_id)})


def _text(value: UUID | None) -> str:
    return "" if value is None else str(value)


class Database:
    """Access as one role of the database. Built by the entry points, handed to everything else."""

    def __init__(self, url: URL, *, pool_size: int = 5, application_name: str = "sbs") -> None:
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            hide_parameters=True,  # an error's text ends up in logs; parameters may be secrets
            connect_args={"server_settings": {"application_name": application_name, "jit": "off"}},
        )
        self._sessions = async_sessionmaker(
            self.engine, sync_session_class=TenantSession, expire_on_commit=False, autoflush=True
        )

    @asynccontextmanager
    async def transaction(
        self, organization_id: UUID | None = None, *, user_id: UUID | None = None
    ) -> AsyncIterator[AsyncSession]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        info: dict[str, Any] = {"organization_id": organization_id, "user_id": user_id}
        async with self._sessions(info=info) as session, session.begin():
            yield session

    async def close(self) -> None:
        await self.engine.dispose()
