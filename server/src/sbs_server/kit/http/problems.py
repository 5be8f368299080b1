"""problem+json (RFC 9457) for every error, in the reader's language.

`{type, title, status, detail, code, hint?, request_id, errors: [{pointer, code, message, hint?}]}`
"""

from collections.abc import Sequence
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from sbs_server.kit.errors import FieldProblem, SbsError
from sbs_server.kit.http.findings import explain
from sbs_server.kit.i18n import Locale, choose_locale, message

log = structlog.get_logger()

_STATUS_CODES = {
    400: "request.not_json",  # from FastAPI, for a body that Python's parser gives up on (nested too deeply)
    401: "request.unauthenticated",
    404: "request.not_found",
    405: "request.method",
}
_UNREADABLE = {"json_invalid"}


class FieldError(BaseModel):
    pointer: str
    code: str
    message: str
    hint: str | None = None


class Problem(BaseModel):
    """The body of every error answer (application/problem+json)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    hint: str | None = None
    request_id: str | None = None
    errors: list[FieldError] = []


def install(app: FastAPI) -> None:
    """Makes every error of the app a problem."""
    app.add_exception_handler(SbsError, _ours)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def respond(request: Request, error: SbsError, headers: dict[str, str] | None = None) -> JSONResponse:
    """The answer for one of our errors."""
    locale = choose_locale(request.headers.get("accept-language"), getattr(request.state, "locale", None))
    said = message(error.code, locale, error.params)
    problem = Problem(
        title=message(f"status.{error.status}", locale, {}).text,
        status=error.status,
        detail=said.text,
        code=error.code,
        hint=said.hint,
        request_id=getattr(request.state, "request_id", None),
        errors=[_field(entry, locale) for entry in error.fields],
    )
    body = problem.model_dump(exclude_none=True)
    return JSONResponse(
        body, error.status, _retry_after(error) | (headers or {}), media_type="application/problem+json"
    )


def _retry_after(error: SbsError) -> dict[str, str]:
    """An error that passes says when in its parameter `retry_after_s`."""
    wait = error.params.get("retry_after_s")
    return {} if wait is None else {"Retry-After": str(wait)}


def _field(problem: FieldProblem, locale: Locale) -> FieldError:
    said = message(problem.code, locale, problem.params)
    return FieldError(pointer=problem.pointer, code=problem.code, message=said.text, hint=said.hint)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SbsError)  # noqa: S101 - registered for that class
    return respond(request, error)


async def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for that class
    found: Sequence[Any] = error.errors()
    if any(entry["type"] in _UNREADABLE for entry in found):
        return respond(request, _problem(400, "request.not_json"))
    fields = [FieldProblem(_pointer(entry["loc"]), *explain(entry)) for entry in found]
    return respond(request, _problem(422, "request.invalid", *fields))


def _pointer(location: Sequence[str | int]) -> str:
    where, *rest = location
    if where == "body":
        return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in rest)
    return f"{where}:{'.'.join(str(part) for part in rest)}"


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for that class
    code = _STATUS_CODES.get(error.status_code, "request.failed")
    return respond(request, _problem(error.status_code, code), dict(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", path=request.url.path, exc_info=error)
    return respond(request, _problem(500, "request.internal"))


def _problem(status: int, code: str, *fields: FieldProblem) -> SbsError:
    problem = SbsError(code, *fields)
    problem.__dict__["status"] = status
    return problem
