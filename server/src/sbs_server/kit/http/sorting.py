"""Lists in an order that one may choose: keyset paging by the sorted value and the id.

An endpoint has a `StrEnum` of orders, each mapped to an `Order`; `sorted_paging(enum)` makes its dependency:

    class JobSort(StrEnum): ...
    JobPaging = Annotated[SortedPage[JobSort], Depends(sorted_paging(JobSort))]
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar, TypeVarTuple
from uuid import UUID

from fastapi import Query
from sqlalchemy import DateTime, Select, SQLColumnExpression, String, Uuid, literal, tuple_
from sqlalchemy.types import TypeEngine

from sbs_server.kit.http import cursors
from sbs_server.kit.http.pages import LARGEST_PAGE

S = TypeVar("S", bound=StrEnum)
T = TypeVar("T")
Columns = TypeVarTuple("Columns")

_VERSION = 2
_LONGEST_CURSOR = 2000
_TYPES: dict[str, TypeEngine[Any]] = {"text": String(), "time": DateTime(timezone=True)}


@dataclass(frozen=True, slots=True)
class Order:
    """One way to sort: by `value`, which must never be NULL, then by `key` (the id), both in one direction."""

    value: SQLColumnExpression[Any]
    key: SQLColumnExpression[UUID]
    kind: Literal["text", "time"]
    descending: bool

    def begin(self, statement: Select[*Columns], after: "Place | None", limit: int) -> Select[*Columns]:
        """The statement from that place on: sorted, and one row more than asked for."""
        if after is not None:
            here = tuple_(self.value, self.key)
            there = tuple_(literal(after.value, _TYPES[self.kind]), literal(after.id, Uuid()))
            statement = statement.where(here < there if self.descending else here > there)
        columns = (self.value, self.key)
        return statement.order_by(*(one.desc() if self.descending else one.asc() for one in columns)).limit(
            limit + 1
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended: the sorted value and the id of its last row."""

    value: str | datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class SortedPage(Generic[S]):
    """What part of a list is asked for, and in which order."""

    sort: S
    limit: int
    cursor: str | None

    def apply(self, statement: Select[*Columns], orders: dict[S, Order]) -> Select[*Columns]:
        """Sorted, from the cursor on, one row too many. Raises InvalidError on a cursor that is none of ours."""
        order = orders[self.sort]
        after = None if self.cursor is None else _decode(self.cursor, self.sort, order.kind)
        return order.begin(statement, after, self.limit)

    def slice(self, rows: Sequence[T], place: Callable[[T], tuple[Any, UUID]]) -> tuple[list[T], str | None]:
        """Cuts the row too many. `place` gives the value of the row that is sorted by, and its id."""
        if len(rows) <= self.limit:
            return list(rows), None
        kept = list(rows[: self.limit])
        value, key = place(kept[-1])
        return kept, _encode(self.sort, value, key)


def sorted_paging(sorts: type[S], default: S) -> Callable[..., SortedPage[S]]:
    """The dependency that reads `sort`, `cursor` and `limit`."""

    def page(
        sort: sorts = default,  # type: ignore[valid-type]  # an enum for FastAPI
        cursor: Annotated[str | None, Query(max_length=_LONGEST_CURSOR)] = None,
        limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
    ) -> SortedPage[S]:
        return SortedPage(sort, limit, cursor)

    return page


def _encode(sort: StrEnum, value: object, key: UUID) -> str:
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return cursors.encode(_VERSION, s=sort.value, k=text, id=key.hex)


def _decode(cursor: str, sort: StrEnum, kind: Literal["text", "time"]) -> Place:
    def read(data: dict[str, Any]) -> Place:
        if data["s"] != sort.value or "\0" in data["k"]:
            raise ValueError("a cursor of another order")
        value = _time(data["k"]) if kind == "time" else data["k"].encode().decode()
        return Place(value, UUID(hex=data["id"]))

    return cursors.decode(cursor, _VERSION, read)


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without its zone")
    return at.astimezone(UTC)  # OverflowError: no place of ours lies beyond the calendar
