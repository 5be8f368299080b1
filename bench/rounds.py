"""Rounds: every way once in each, in an order that rotates; the first ones are for warming up and dropped."""

from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")
Say = Callable[[str], None]


def take_turns(
    ways: Mapping[str, Callable[[], T]], rounds: int, say: Say, *, warm_up: int = 1
) -> dict[str, list[T]]:
    """What each way gave in each round that counts."""
    names = list(ways)
    found: dict[str, list[T]] = {name: [] for name in names}
    for number in range(-warm_up, rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            value = ways[name]()
            say(f"  {'warm-up' if number < 0 else f'round {number + 1}'}: {name}: {_told(value)}")
            if number >= 0:
                found[name].append(value)
    return found


def _told(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
