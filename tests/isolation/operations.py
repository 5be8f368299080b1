"""The operations of the API as its document tells them, and where ids occur in what they are sent."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sbs_server.api.app import described_app

ORGANIZATION = "organization_id"
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """`path_ids`, `query_ids`: names of parameters; each parameter in a path is taken for an id."""

    id: str
    method: str
    path: str
    in_organization: bool
    path_ids: Sequence[str]
    query_ids: Sequence[str]
    required_query: Sequence[str]
    body: Schema | None

    def __str__(self) -> str:
        return self.id

    @property
    def is_bound(self) -> bool:
        """Whether it is about something that belongs to an organization."""
        return self.in_organization or bool(self.path_ids or self.query_ids or self.body_ids())

    def body_ids(self) -> Sequence[tuple[str, str]]:
        """JSON pointer and name of each id that a body may have."""
        found: list[tuple[str, str]] = []

        def note(pointer: str, name: str) -> str:
            found.append((pointer, name))
            return ""

        if self.body is not None:
            build(self.body, note, lambda _: "")
        return found


@cache
def document() -> Mapping[str, Any]:
    made: Mapping[str, Any] = described_app().openapi()
    return made


@cache
def operations() -> Sequence[Operation]:
    """All of them, in the order of the document."""
    return [
        _operation(method, path, told)
        for path, methods in document()["paths"].items()
        for method, told in methods.items()
    ]


def _operation(method: str, path: str, told: Mapping[str, Any]) -> Operation:
    parameters = [_resolved(one) for one in told.get("parameters", [])]
    in_path = [one["name"] for one in parameters if one["in"] == "path"]
    in_query = [one for one in parameters if one["in"] == "query"]
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return Operation(
        id=told["operationId"],
        method=method.upper(),
        path=path,
        in_organization=ORGANIZATION in in_path,
        path_ids=[name for name in in_path if name != ORGANIZATION],
        query_ids=[one["name"] for one in in_query if _is_id(one["schema"])],
        required_query=[one["name"] for one in in_query if one.get("required") and not _is_id(one["schema"])],
        body=body,
    )


def build(
    schema: Schema,
    id_of: Callable[[str, str], str],
    text_of: Callable[[str], object],
    pointer: str = "",
    name: str = "",
) -> Any:
    """A value of that schema: what is required, and all ids. `id_of` gets pointer and name, `text_of` the name."""
    schema = _chosen(schema)
    match schema.get("type"):
        case "object":
            return {
                key: build(inner, id_of, text_of, f"{pointer}/{key}", key)
                for key, inner in schema.get("properties", {}).items()
                if key in schema.get("required", ()) or _holds_id(inner)
            }
        case "array":
            wanted = schema.get("minItems") or _holds_id(schema["items"])
            return [build(schema["items"], id_of, text_of, f"{pointer}/0", name)] if wanted else []
        case "string" if _is_id(schema):
            return id_of(pointer, name)
        case "string" if "enum" not in schema and "const" not in schema:
            return text_of(name)
    return _simple(schema, pointer)


def _simple(schema: Schema, pointer: str) -> object:
    values = [*schema.get("enum", []), *([schema["const"]] if "const" in schema else [])]
    if schema.get("type") == "boolean":
        values.append(False)
    if schema.get("type") in {"integer", "number"}:
        values.append(schema.get("minimum", 1))
    if not values:
        raise NotImplementedError(f"{pointer}: tests/isolation/operations.py can't make a value of {schema}")
    return values[0]


def _chosen(schema: Schema) -> Schema:
    schema = _resolved(schema)
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return _chosen(next(one for one in schema[key] if one.get("type") != "null"))
    return schema


def _resolved(schema: Schema) -> Schema:
    found: Any = schema
    while "$ref" in found:
        reference: str = found["$ref"]
        found = document()
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
    return dict(found)


def _is_id(schema: Schema) -> bool:
    chosen = _chosen(schema)
    return chosen.get("format") == "uuid" or (chosen.get("type") == "array" and _is_id(chosen["items"]))


def _holds_id(schema: Schema) -> bool:
    return any(_ids_below(schema))


def _ids_below(schema: Schema) -> Iterator[bool]:
    chosen = _chosen(schema)
    yield _is_id(chosen)
    for inner in chosen.get("properties", {}).values():
        yield from _ids_below(inner)
    if "items" in chosen:
        yield from _ids_below(chosen["items"])
