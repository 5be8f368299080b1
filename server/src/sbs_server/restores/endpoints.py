"""`/restores`: bringing files back to a machine."""

from uuid import UUID

from fastapi import APIRouter, Response, status

from sbs_server.auth.scope import ORGANIZATION, Operator, Reader
from sbs_server.kit.http.edge import TransactionalRoute
from sbs_server.kit.http.explained import ReaderLocale
from sbs_server.restores import service
from sbs_server.restores.schemas import RestoreCreate, RestoreOut

router = APIRouter(
    prefix=f"{ORGANIZATION}/restores",
    tags=["restores"],
    route_class=TransactionalRoute,
)


@router.post("", operation_id="restores_create", status_code=status.HTTP_202_ACCEPTED)
async def create(
    scope: Operator, body: RestoreCreate, locale: ReaderLocale, response: Response
) -> RestoreOut:
    """Restores files of a snapshot into a folder of a machine: the one they came from, or another one of the
    organization if an administrator says so. Follow its run."""
    run = await service.create(scope.session, scope.organization_id, scope.actor, scope.role, body)
    response.headers["Location"] = f"/api/v1/organizations/{scope.organization_id}/restores/{run.id}"
    return await service.detail(scope.session, scope.organization_id, run.id, locale)


@router.get("/{run_id}", operation_id="restores_get")
async def get(scope: Reader, run_id: UUID, locale: ReaderLocale) -> RestoreOut:
    """What was asked for, and the run that does it."""
    return await service.detail(scope.session, scope.organization_id, run_id, locale)
