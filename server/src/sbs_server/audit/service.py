"""Writing to the audit log.

An act is recorded last in its own transaction; denials and failures get a transaction of their own, because
theirs is rolled back. The database function `audit_append` makes the hash; nobody can update or delete.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_APPEND = text(
    "SELECT audit_append(:organization, :actor_kind, :actor_id, :address, :action, :target_kind, :target_id,"
    " :result, CAST(:details AS jsonb))"
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: a user (id), an agent (id) or a part of the system (its name)."""

    kind: Literal["user", "agent", "system"]
    id: str | None
    address: str | None = None


async def record(
    session: AsyncSession,
    organization_id: UUID | None,
    actor: Actor,
    action: str,
    *,
    target: tuple[str, str] | None = None,
    result: Literal["done", "denied", "failed"] = "done",
    details: dict[str, Any] | None = None,
) -> None:
    """Appends one act to the organization's chain, or to the platform's (None). `details` hold no secrets."""
    await session.execute(
        _APPEND,
        {
            "organization": organization_id,
            "actor_kind": actor.kind,
            "actor_id": actor.id,
            "address": actor.address,
            "action": action,
            "target_kind": None if target is None else target[0],
            "target_id": None if target is None else target[1],
            "result": result,
            "details": json.dumps(details or {}, default=str, ensure_ascii=False),
        },
    )
