from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbs_server.retention.keep import Candidate, keep_last

_TIMES = st.lists(st.datetimes(timezones=st.just(UTC)), max_size=30)


@given(_TIMES, st.integers(min_value=1, max_value=40))
def test_every_candidate_is_either_kept_or_forgotten_and_none_twice(
    times: list[datetime], count: int
) -> None:
    decision = keep_last([Candidate(i, at) for i, at in enumerate(times)], count)
    assert sorted(decision.keep + decision.forget) == list(range(len(times)))


@given(_TIMES, st.integers(min_value=1, max_value=40))
def test_the_newest_are_kept(times: list[datetime], count: int) -> None:
    decision = keep_last([Candidate(i, at) for i, at in enumerate(times)], count)
    assert len(decision.keep) == min(count, len(times))
    for kept in decision.keep:
        assert all(times[kept] >= times[gone] for gone in decision.forget)


def test_of_two_at_the_same_time_the_later_one_is_newer() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert keep_last([Candidate("a", now), Candidate("b", now)], 1).keep == ["b"]


def test_a_policy_that_keeps_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        keep_last([], 0)
