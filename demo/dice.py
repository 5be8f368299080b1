"""Choices and contents that follow from a seed alone, the same on every machine and every Python."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

CHUNK_BYTES = 1 << 20
_WORDS = b"backup restore snapshot tree node blob pack index key lock prune check run agent".split()


class Dice:
    """A stream of choices for one label. SHAKE-128 of seed and label: no state outside, no order of use."""

    def __init__(self, seed: int, *labels: str | bytes | int) -> None:
        parts = [label if isinstance(label, bytes) else str(label).encode() for label in (seed, *labels)]
        self._key = hashlib.sha256(b"\0".join(parts)).digest()
        self._drawn = 0

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        self._drawn += 1
        draw = hashlib.shake_128(self._key + b"draw" + str(self._drawn).encode()).digest(8)
        return int.from_bytes(draw) % limit

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """`count` different items, in the order they were drawn."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(count)]

    def noise(self, size_bytes: int) -> Iterator[bytes]:
        """Content that does not compress and holds nothing twice, in pieces of at most 1 MiB."""
        for number, start in enumerate(range(0, size_bytes, CHUNK_BYTES)):
            length = min(CHUNK_BYTES, size_bytes - start)
            yield hashlib.shake_128(self._key + b"noise" + str(number).encode()).digest(length)

    def prose(self, size_bytes: int) -> Iterator[bytes]:
        """Content that compresses well: words drawn by the bytes of noise, in pieces of at most 1 MiB."""
        for piece in self.noise(size_bytes):
            words = b" ".join(_WORDS[byte % len(_WORDS)] for byte in piece[: len(piece) // 4 + 1])
            yield (words * (len(piece) // len(words) + 1))[: len(piece)]
