"""Cursors: where a page of a list ended, as text that only we can read something from.

A cursor of one kind of list is refused by the others: for its version, or for what it lacks.
"""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any, TypeVar

from sbs_server.kit.errors import FieldProblem, InvalidError

T = TypeVar("T")

_NOT_OURS = (
    binascii.Error,
    ArithmeticError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
)


def encode(version: int, **fields: str | int) -> str:
    """A cursor for an address: base64url without padding."""
    data = json.dumps({"v": version, **fields})
    return base64.urlsafe_b64encode(data.encode()).decode().rstrip("=")


def decode(cursor: str, version: int, read: Callable[[dict[str, Any]], T]) -> T:
    """What `read` makes of the fields; it may fail as reading of unknown JSON fails.

    Raises InvalidError on anything we did not make.
    """
    try:
        data = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if data["v"] != version:
            raise ValueError("a cursor of another kind")
        return read(data)
    except _NOT_OURS as error:
        raise InvalidError("request.invalid", FieldProblem("query:cursor", "request.cursor")) from error
