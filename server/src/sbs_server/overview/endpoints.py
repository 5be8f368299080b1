"""`/overview`: the page one looks at first."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from sbs_server.auth.scope import ORGANIZATION, Reader
from sbs_server.jobs.schemas import TimeZone
from sbs_server.kit.http.edge import TransactionalRoute
from sbs_server.kit.http.explained import ReaderLocale
from sbs_server.overview import service
from sbs_server.overview.schemas import Overview

router = APIRouter(
    prefix=f"{ORGANIZATION}/overview",
    tags=["overview"],
    route_class=TransactionalRoute,
)


@router.get("", operation_id="overview_get")
async def get(
    scope: Reader,
    request: Request,
    locale: ReaderLocale,
    time_zone: Annotated[TimeZone, Query(description="Whose days the runs are counted by.")] = "UTC",
) -> Overview:
    """What needs attention, how much there is of everything, and the runs of the last days."""
    return await service.overview(scope.session, request.app.state.spaces, time_zone, locale)
