"""Who goes when."""

from functools import partial

from bench.rounds import take_turns


def test_the_order_rotates_and_every_way_goes_once_in_a_round() -> None:
    went: list[str] = []
    ways = {name: partial(went.append, name) for name in "abc"}
    take_turns(ways, 3, lambda _: None, warm_up=0)
    assert "".join(went) == "abcbcacab"


def test_what_the_warm_up_gave_is_dropped() -> None:
    numbers = iter(range(6))
    found = take_turns({"ours": lambda: next(numbers), "other": lambda: next(numbers)}, 2, lambda _: None)
    assert sorted(found["ours"] + found["other"]) == [2, 3, 4, 5]


def test_every_number_is_told_as_it_comes() -> None:
    told: list[str] = []
    take_turns({"ours": lambda: 7}, 1, told.append)
    assert told == ["  warm-up: ours: 7", "  round 1: ours: 7"]
