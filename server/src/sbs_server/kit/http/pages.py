"""Lists: `{items, next_cursor}`, keyset paging by opaque cursors."""

from typing import Annotated, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel

from sbs_server.kit.http import cursors

LARGEST_PAGE = 500
_VERSION = 1
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
        return rows[: self.limit], cursors.encode(_VERSION, id=ids[self.limit - 1].hex)


def page_request(
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
) -> PageRequest:
    return PageRequest(limit=limit, after=None if cursor is None else _decode(cursor))


def _decode(cursor: str) -> UUID:
    return cursors.decode(cursor, _VERSION, lambda data: UUID(hex=data["id"]))


Paging = Annotated[PageRequest, Depends(page_request)]
