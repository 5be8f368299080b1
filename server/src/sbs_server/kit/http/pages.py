"""Lists: `{items, next_cursor}`, keyset paging by opaque cursors."""

import base64
import binascii
import json
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel

from sbs_server.kit.errors import FieldProblem, InvalidError

LARGEST_PAGE = 500
T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    items: list[T]
    next_cursor: str | None = None
    """Give it back as `cursor` for the next page; null on the last."""


class PageRequest(BaseModel):
    """What part of a list is asked for. Lists are newest first, by id (UUIDv7)."""

    limit: int
    after: UUID | None

    def slice(self, rows: list[T], ids: list[UUID]) -> tuple[list[T], str | None]:
        """Cuts the one row too many that was read to see whether there is a next page."""
        if len(rows) <= self.limit:
            return rows, None
        return rows[: self.limit], encode_cursor(ids[self.limit - 1])


def encode_cursor(last: UUID) -> str:
    return base64.urlsafe_b64encode(json.dumps({"v": 1, "id": last.hex}).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> UUID:
    """Raises `InvalidError` on anything we did not make."""
    try:
        data = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if data["v"] != 1:
            raise ValueError("a cursor of another version")
        return UUID(hex=data["id"])
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidError("request.invalid", FieldProblem("query:cursor", "request.cursor")) from error


def page_request(
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
) -> PageRequest:
    return PageRequest(limit=limit, after=None if cursor is None else decode_cursor(cursor))


Paging = Annotated[PageRequest, Depends(page_request)]
