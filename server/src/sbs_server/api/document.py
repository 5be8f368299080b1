"""The OpenAPI 3.1 document: what FastAPI finds, and what is true of every operation, added in one place."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from sbs_server.about.endpoints import API_VERSION
from sbs_server.api.routers import TAGS
from sbs_server.kit.http.problems import FieldError, Problem
from sbs_server.kit.i18n import message

_SESSION = "session"
_CSRF = "csrf"
_UNSAFE = frozenset({"post", "put", "patch", "delete"})
_METHODS = _UNSAFE | {"get"}
_OPEN = frozenset({"session_create", "about_get"})


def document(app: FastAPI) -> dict[str, Any]:
    """The document of all routers of `app`; the same text for the same code."""
    found = get_openapi(
        title="SBS administration API",
        version=API_VERSION,
        openapi_version="3.1.0",
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
    )
    components = found.setdefault("components", {})
    _add_schemas(components.setdefault("schemas", {}))
    components["securitySchemes"] = {
        **components.get("securitySchemes", {}),
        _CSRF: {"type": "apiKey", "in": "header", "name": "X-CSRF-Token"},
    }
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                _complete(path, method, operation)
    return found


def _add_schemas(schemas: dict[str, Any]) -> None:
    """The shape of problems, which no endpoint returns by itself."""
    _, made = models_json_schema(
        [(Problem, "serialization"), (FieldError, "serialization")],
        ref_template="#/components/schemas/{model}",
    )
    schemas.update(made["$defs"])
    # What FastAPI would answer to bad input; our answers are problems.
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    is_open = operation["operationId"] in _OPEN
    if not is_open:
        operation["security"] = [{_SESSION: [], _CSRF: []} if method in _UNSAFE else {_SESSION: []}]
    if method == "post" and not is_open:
        operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    responses = operation["responses"]
    _tell_events(responses)
    for status in sorted(_statuses(path, method, operation)):
        responses[str(status)] = _problem(status)
    operation["responses"] = dict(sorted(responses.items()))


def _tell_events(responses: dict[str, Any]) -> None:
    """FastAPI takes a stream for a text beside the shape that we name; the shape alone is right."""
    schema = responses.get("200", {}).get("content", {}).get("text/event-stream", {}).get("schema", {})
    if "$ref" in schema:
        schema.pop("type", None)


def _statuses(path: str, method: str, operation: dict[str, Any]) -> set[int]:
    """Which problems an operation may answer with."""
    parameters = {parameter["name"].lower() for parameter in operation.get("parameters", [])}
    # 400: a request line or header that is no HTTP is refused before any endpoint sees it.
    found = {400, 401, 429, 500, 503}
    if "{" in path:
        found |= {403, 404}
    if method in _UNSAFE:
        found |= {403, 409}
    if "requestBody" in operation:
        found |= {413, 415, 422}
    if parameters:
        found |= {422}
    if "if-match" in parameters:
        found |= {412, 428}
    return found


def _problem(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": message(f"status.{status}", "en", {}).text,
        "content": {"application/problem+json": {"schema": schema}},
    }


_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "The same request, sent again with the same key within 24 hours, is answered again, not repeated.",
}
