"""Denials: acts that were refused. The request's transaction is rolled back, so they get one of their own."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fastapi import Request

from sbs_server.audit.service import Actor, record
from sbs_server.kit.db.session import Database

_STATE = "denial"


@dataclass(frozen=True, slots=True)
class Denial:
    """What was refused, to whom. `organization_id` None: the platform's chain."""

    organization_id: UUID | None
    actor: Actor
    action: str
    target: tuple[str, str] | None = None
    details: dict[str, Any] = field(default_factory=dict)


def note(request: Request, denial: Denial) -> None:
    """Says beforehand how the refusal of this request is to be recorded, whatever its status."""
    setattr(request.state, _STATE, denial)


def noted(request: Request) -> Denial | None:
    found: Denial | None = getattr(request.state, _STATE, None)
    return found


async def record_denial(database: Database, denial: Denial, code: str) -> None:
    """Writes it; `code` is the error's."""
    async with database.transaction(denial.organization_id) as session:
        await record(
            session,
            denial.organization_id,
            denial.actor,
            denial.action,
            target=denial.target,
            result="denied",
            details={**denial.details, "code": code},
        )
