"""What may be done with organizations, and by whom."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.audit.service import record
from sbs_server.auth.caller import Caller
from sbs_server.kit.errors import ConflictError, FieldProblem, ForbiddenError, NotFoundError
from sbs_server.kit.http.edge import Edge
from sbs_server.kit.http.etags import check_version
from sbs_server.kit.http.pages import PageRequest
from sbs_server.kit.ids import new_id
from sbs_server.models import Role
from sbs_server.organizations import repository
from sbs_server.organizations.repository import OrganizationRow
from sbs_server.organizations.schemas import OrganizationCreate


async def listed(
    session: AsyncSession, user_id: UUID, paging: PageRequest
) -> tuple[Sequence[OrganizationRow], str | None]:
    """A page of those the person may see, and the next cursor."""
    rows = list(await repository.page(session, user_id, paging.after, paging.limit + 1))
    return paging.slice(rows, [row.id for row in rows])


async def get(session: AsyncSession, user_id: UUID, organization_id: UUID) -> OrganizationRow:
    """Raises `NotFoundError`: not there, or none of the person's business."""
    row = await repository.visible(session, user_id, organization_id)
    if row is None:
        raise NotFoundError("request.not_found")
    return row


async def create(edge: Edge, caller: Caller, wanted: OrganizationCreate) -> OrganizationRow:
    """A new organization.

    Raises: ForbiddenError for who is no platform operator, ConflictError if the name is taken.
    """
    await edge.enter(None, caller.user_id)
    if not caller.is_platform_operator:
        raise ForbiddenError("request.forbidden_platform")
    await edge.once(caller.user_id)
    organization_id = new_id()
    session = await edge.enter(organization_id, caller.user_id)
    if not await repository.add(session, organization_id, wanted.name):
        raise _taken(wanted.name)
    if wanted.become_administrator:
        await repository.add_member(session, organization_id, caller.user_id, Role.ORG_ADMIN)
    created = await get(session, caller.user_id, organization_id)
    await _record(session, caller, organization_id, "organization.created", wanted.model_dump())
    return created


async def rename(
    edge: Edge, caller: Caller, organization_id: UUID, name: str, if_match: str
) -> OrganizationRow:
    """Another name, by an administrator of the organization or a platform operator.

    Raises: NotFoundError, ForbiddenError, PreconditionFailedError, ConflictError.
    """
    before = await get(edge.session, caller.user_id, organization_id)
    session = await edge.enter(organization_id, caller.user_id)
    if before.role is not Role.ORG_ADMIN and not caller.is_platform_operator:
        raise ForbiddenError("request.forbidden")
    row = await repository.locked(session, organization_id)
    if row is None:
        raise NotFoundError("request.not_found")
    check_version(if_match, row.version)
    was = row.name
    if not await repository.rename(session, row, name):
        raise _taken(name)
    after = await get(session, caller.user_id, organization_id)
    await _record(session, caller, organization_id, "organization.renamed", {"before": was, "after": name})
    return after


def _taken(name: str) -> ConflictError:
    problem = FieldProblem("/name", "organization.name_taken", {"name": name})
    return ConflictError("organization.name_taken", problem, name=name)


async def _record(
    session: AsyncSession, caller: Caller, organization_id: UUID, action: str, details: dict[str, object]
) -> None:
    target = ("organization", str(organization_id))
    await record(session, organization_id, caller.actor, action, target=target, details=details)
