"""Enrolment tokens: made by people, shown once, used by machines."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func

from sbs_protocol.enrolment import EnrolmentToken as TokenText
from sbs_server.agents import repository
from sbs_server.agents.schemas import EnrolmentTokenCreate, TokenState
from sbs_server.audit.service import record
from sbs_server.auth.scope import Scope
from sbs_server.kit.errors import NotFoundError
from sbs_server.kit.http.pages import PageRequest
from sbs_server.kit.ids import new_id
from sbs_server.messaging import outbox
from sbs_server.models import EnrolmentToken


def state_of(token: EnrolmentToken) -> TokenState:
    """In the order in which the machine that comes with it is told."""
    if token.revoked_at is not None:
        return TokenState.REVOKED
    if token.used_count >= token.max_uses:
        return TokenState.USED
    return TokenState.EXPIRED if token.expires_at <= datetime.now(UTC) else TokenState.USABLE


async def create(
    scope: Scope, wanted: EnrolmentTokenCreate, root_sha256: bytes
) -> tuple[EnrolmentToken, str]:
    """A new token: its row, which has only the hash, and its text, which is nowhere else."""
    secret = TokenText.new(root_sha256)
    row = EnrolmentToken(
        id=new_id(),
        organization_id=scope.organization_id,
        name=wanted.name,
        secret_sha256=secret.secret_sha256(),
        expires_at=func.now() + timedelta(seconds=wanted.expires_in_s),
        max_uses=wanted.max_uses,
        created_by=scope.caller.user_id,
    )
    scope.session.add(row)
    await scope.session.flush()
    await scope.session.refresh(row)
    await _tell(scope, row, "created")
    await _record(scope, row, "enrolment_token.created", wanted.model_dump())
    return row, secret.text()


async def listed(scope: Scope, paging: PageRequest) -> tuple[list[EnrolmentToken], str | None]:
    rows = await repository.tokens(scope.session, paging)
    return paging.slice(rows, [row.id for row in rows])


async def get(scope: Scope, token_id: UUID, *, lock: bool = False) -> EnrolmentToken:
    """Raises `NotFoundError`."""
    row = await repository.token(scope.session, token_id, lock=lock)
    if row is None:
        raise NotFoundError("request.not_found")
    return row


async def revoke(scope: Scope, token_id: UUID) -> EnrolmentToken:
    """From now on nothing is enrolled with it; what was enrolled before stays. Doing it again changes nothing."""
    row = await get(scope, token_id, lock=True)
    if row.revoked_at is None:
        row.revoked_at = func.now()
        await scope.session.flush()
        await scope.session.refresh(row)
        await _tell(scope, row, "revoked")
        await _record(scope, row, "enrolment_token.revoked", {"name": row.name})
    return row


async def _tell(scope: Scope, row: EnrolmentToken, what: str) -> None:
    data, aggregate = {"enrolment_token_id": row.id.hex}, f"enrolment_token:{row.id.hex}"
    await outbox.event(scope.session, scope.organization_id, aggregate, f"enrolment_token.{what}.v1", data)


async def _record(scope: Scope, row: EnrolmentToken, action: str, details: dict[str, object]) -> None:
    target = ("enrolment_token", str(row.id))
    await record(scope.session, scope.organization_id, scope.actor, action, target=target, details=details)
