"""What pydantic finds wrong with a field, as codes of our catalogue.

Pydantic speaks English only and explains itself to programmers; the table names what people meet. A validator of
ours raises `PydanticCustomError("<our code>", ...)` with a code of the catalogue, which is passed on as it is.
"""

from typing import Any

from sbs_server.kit.errors import Parameter
from sbs_server.kit.i18n import catalogue

_CODES = {
    "missing": "field.missing",
    "extra_forbidden": "field.unknown",
    "string_type": "field.not_text",
    "string_too_short": "field.too_short",
    "string_too_long": "field.too_long",
    "int_type": "field.not_whole",
    "int_parsing": "field.not_whole",
    "int_from_float": "field.not_whole",
    "float_type": "field.not_number",
    "float_parsing": "field.not_number",
    "bool_type": "field.not_boolean",
    "bool_parsing": "field.not_boolean",
    "list_type": "field.not_list",
    "dict_type": "field.not_object",
    "model_type": "field.not_object",
    "model_attributes_type": "field.not_object",
    "uuid_type": "field.not_id",
    "uuid_parsing": "field.not_id",
    "enum": "field.not_one_of",
    "literal_error": "field.not_one_of",
    "greater_than_equal": "field.too_small",
    "less_than_equal": "field.too_large",
    "too_short": "field.too_few",
    "too_long": "field.too_many",
}
_OTHER = "request.field"


def explain(finding: dict[str, Any]) -> tuple[str, dict[str, Parameter]]:
    """Code and parameters for one of pydantic's findings."""
    kind, context = str(finding["type"]), finding.get("ctx") or {}
    if kind in catalogue():
        return kind, _plain(context)
    return _CODES.get(kind, _OTHER), {**_plain(context), "problem": str(finding["msg"])}


def _plain(context: dict[str, Any]) -> dict[str, Parameter]:
    return {
        key: value if isinstance(value, str | int | float) else str(value) for key, value in context.items()
    }
