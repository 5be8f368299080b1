"""Keyset paging in a chosen order."""

import base64
import json
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from sbs_server.kit.errors import InvalidError
from sbs_server.kit.http.sorting import Order, SortedPage
from sbs_server.kit.ids import new_id
from sbs_server.models import Job


class Sort(StrEnum):
    NAME = "name"
    NEWEST = "-created_at"


ORDERS = {
    Sort.NAME: Order(Job.name, Job.id, "text", descending=False),
    Sort.NEWEST: Order(Job.created_at, Job.id, "time", descending=True),
}
KEY = new_id()


def cursor_of(sort: Sort, value: object) -> str:
    """What a page that ends with that value gives."""
    _, cursor = SortedPage(sort, 1, None).slice(["kept", "more"], lambda _: (value, KEY))
    assert cursor is not None
    return cursor


def parameters(page: SortedPage[Sort]) -> list[Any]:
    statement = page.apply(select(Job.id), ORDERS)
    return list(statement.compile().params.values())


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=100))
def test_any_name_comes_back_from_its_cursor(name: str) -> None:
    assert parameters(SortedPage(Sort.NAME, 1, cursor_of(Sort.NAME, name)))[:2] == [name, KEY]


@given(st.datetimes(timezones=st.just(UTC)))
def test_any_time_comes_back_from_its_cursor(moment: datetime) -> None:
    assert parameters(SortedPage(Sort.NEWEST, 1, cursor_of(Sort.NEWEST, moment)))[:2] == [moment, KEY]


def test_last_page_has_no_cursor() -> None:
    rows = ["a", "b"]
    assert SortedPage(Sort.NAME, 2, None).slice(rows, lambda row: (row, KEY)) == (rows, None)
    kept, cursor = SortedPage(Sort.NAME, 1, None).slice(rows, lambda row: (row, KEY))
    assert (kept, cursor is not None) == (["a"], True)


def _made(**data: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode()


GOOD = {"v": 2, "s": "name", "k": "x", "id": KEY.hex}


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "W10",
        _made(),
        _made(**{**GOOD, "v": 1}),
        _made(**{**GOOD, "s": "-created_at"}),
        _made(**{**GOOD, "id": "x"}),
        _made(**{**GOOD, "k": 5}),
        _made(**{**GOOD, "k": "\0"}),
        _made(**{**GOOD, "k": "\ud800"}),
        "[" * 1500,
    ],
)
def test_cursor_that_is_none_of_ours_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidError) as raised:
        SortedPage(Sort.NAME, 1, cursor).apply(select(Job.id), ORDERS)
    assert raised.value.fields[0].pointer == "query:cursor"


@pytest.mark.parametrize(
    "value", ["yesterday", "2026-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]
)
def test_cursor_of_a_time_needs_a_time_with_its_zone(value: str) -> None:
    cursor = _made(**{**GOOD, "s": "-created_at", "k": value})
    with pytest.raises(InvalidError):
        SortedPage(Sort.NEWEST, 1, cursor).apply(select(Job.id), ORDERS)


def test_times_keep_their_microseconds() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=1)
    assert parameters(SortedPage(Sort.NEWEST, 1, cursor_of(Sort.NEWEST, moment)))[0] == moment
