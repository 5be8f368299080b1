"""Errors that need more than an answer: denials are audited, parts that can't be reached are named."""

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from valkey.exceptions import ConnectionError as ValkeyConnectionError
from valkey.exceptions import TimeoutError as ValkeyTimeoutError

from sbs_server.api.routers import ROUTERS
from sbs_server.audit.denials import Denial, noted, record_denial
from sbs_server.audit.service import Actor
from sbs_server.auth.caller import Caller
from sbs_server.kit.db.failures import is_passing
from sbs_server.kit.errors import ForbiddenError, MethodNotAllowedError, SbsError, UnavailableError
from sbs_server.kit.http.ingress import SAFE_METHODS, client_address
from sbs_server.kit.http.problems import respond

log = structlog.get_logger()


def install(app: FastAPI) -> None:
    """To be called after `kit.http.problems.install`."""
    app.add_exception_handler(SbsError, _refused)
    app.add_exception_handler(405, _method)
    app.add_exception_handler(DBAPIError, _database)
    app.add_exception_handler(ConnectionRefusedError, _unreachable)
    app.add_exception_handler(ValkeyConnectionError, _cache)
    app.add_exception_handler(ValkeyTimeoutError, _cache)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SbsError)  # noqa: S101 - registered for that class
    denial = noted(request)
    if denial is None and isinstance(error, ForbiddenError):
        denial = _denial(request)
    if denial is not None:
        await _record(request, denial, error.code)
    return respond(request, error)


async def _record(request: Request, denial: Denial, code: str) -> None:
    try:
        await record_denial(request.app.state.database, denial, code)
    except (SQLAlchemyError, OSError):  # refused all the same
        log.exception("a denial could not be audited", action=denial.action, code=code)


def _denial(request: Request) -> Denial:
    """Who was refused what, as far as the request had come. The organization only if they belong to it."""
    caller: Caller | None = getattr(request.state, "caller", None)
    edge = getattr(request.state, "edge", None)
    organization_id = None if edge is None else edge.session.info.get("organization_id")
    route = request.scope.get("route")
    action: str = getattr(route, "operation_id", None) or request.url.path
    actor = Actor("user", None, client_address(request)) if caller is None else caller.actor
    details = {"method": request.method, "path": request.url.path}
    return Denial(organization_id, actor, action, details=details)


async def _method(request: Request, error: Exception) -> JSONResponse:
    """The framework names the methods of the first route that fits; RFC 9110 wants all of the address."""
    del error
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    fitting = [route.methods or set() for route in routes if route.path_regex.match(request.url.path)]
    allowed = sorted(set[str]().union(*fitting))
    return respond(request, MethodNotAllowedError("request.method"), {"Allow": ", ".join(allowed)})


async def _database(request: Request, error: Exception) -> JSONResponse:
    """A connection that broke, or a database that is just starting, is a 503; anything else is a fault of ours."""
    assert isinstance(error, DBAPIError)  # noqa: S101 - registered for that class
    log.error("the database refused", path=request.url.path, exc_info=error)
    if not is_passing(error):
        return respond(request, SbsError("request.internal"))
    if request.method in SAFE_METHODS:
        return respond(request, UnavailableError("request.unavailable", component="database"))
    return respond(request, UnavailableError("request.interrupted"))


async def _unreachable(request: Request, error: Exception) -> JSONResponse:
    """asyncpg's own error when nobody listens: no transaction had begun."""
    log.warning("the database can't be reached", path=request.url.path, reason=str(error))
    return respond(request, UnavailableError("request.unavailable", component="database"))


async def _cache(request: Request, error: Exception) -> JSONResponse:
    log.warning("the cache can't be reached", path=request.url.path, reason=str(error))
    return respond(request, UnavailableError("request.unavailable", component="cache"))
