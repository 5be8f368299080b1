"""Effects on the outside, written in the transaction that causes them and carried out by the relay.

Payload shapes, by kind:
  event            {"type": "run.finished.v1", "subject": "<hex id>", "data": {...}}; becomes a CloudEvent on
                   `event.<organization hex>.<type>`
  command          {"agent_id": "<hex>", "command_id": …, "attempt": n}: the relay reads the row and publishes it
  workflow_start   {"workflow": "<name>", "workflow_id": …, "input": {...}}
  workflow_signal  {"workflow_id": …, "signal": …, "input": {...} | null}
  schedule_sync    {"job_id": "<hex>"}
  agent_kick       {"agent_id": "<hex>"}
"""

from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.kit.ids import new_id
from sbs_server.models import Outbox, OutboxKind


async def put(
    session: AsyncSession,
    kind: OutboxKind,
    aggregate: str,
    payload: dict[str, Any],
    organization_id: UUID | None,
) -> None:
    """Writes one effect. Rows of one `aggregate` (for example `run:<hex>`) go out in order."""
    # A plain INSERT without RETURNING: the application may write to the outbox and not read it.
    await session.execute(
        insert(Outbox)
        .values(id=new_id(), kind=kind, aggregate=aggregate, payload=payload, organization_id=organization_id)
        .inline()
    )


async def event(
    session: AsyncSession, organization_id: UUID, aggregate: str, kind: str, data: dict[str, Any]
) -> None:
    """A domain event such as `run.finished.v1`."""
    payload = {"type": kind, "subject": aggregate.partition(":")[2], "data": data}
    await put(session, OutboxKind.EVENT, aggregate, payload, organization_id)
