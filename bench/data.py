"""What is backed up: trees that are the same each time they are made."""

import random
from collections.abc import Iterator
from pathlib import Path

_PIECE_BYTES = 8 << 20
_LARGE_BYTES = 512 << 20
_SMALL_BYTES = (256, 20 << 10)
_PER_FOLDER = 250


def small_files(root: Path, count: int) -> int:
    """Files of a quarter to twenty KiB that can't be compressed, 250 to a folder. Gives back their bytes."""
    source = random.Random(7)
    for index in range(count):
        content = source.randbytes(source.randint(*_SMALL_BYTES))
        _write(root / f"{index // _PER_FOLDER:04}/{index:06}", iter([content]))
    return _size(root)


def large_files(root: Path, mib: int) -> int:
    """`mib` MiB in files of at most 512 MiB that can't be compressed. Gives back their bytes."""
    source = random.Random(11)
    left = mib << 20
    while left:
        size = min(left, _LARGE_BYTES)
        left -= size
        _write(root / f"{left >> 20:06}.bin", _pieces(source, size))
    return _size(root)


def mixed_files(root: Path, mib: int) -> int:
    """About `mib` MiB: 70 % large and incompressible, 20 % text, 10 % small files. Gives back their bytes."""
    source = random.Random(7)
    words = [source.randbytes(3).hex() for _ in range(3000)]
    small, big = mib * 10 // 100, mib * 70 // 100
    for index in range(0, big, 32):
        _write(root / f"big/{index:05}.bin", _pieces(source, min(32, big - index) << 20))
    for index in range(0, mib - big - small, 8):
        text = " ".join(source.choices(words, k=1_200_000)).encode()[: 8 << 20]
        _write(root / f"text/{index:05}.txt", iter([text]))
    for index in range(small * 40):
        content = source.randbytes(source.randint(1 << 10, 50 << 10))
        _write(root / f"small/{index % 100:02}/{index:06}", iter([content]))
    return _size(root)


def empty_file(path: Path, mib: int) -> None:
    """`mib` MiB of zeros that take no room on the disk, but restic reads every byte of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(mib << 20)


def _pieces(source: random.Random, size: int) -> Iterator[bytes]:
    for start in range(0, size, _PIECE_BYTES):
        yield source.randbytes(min(_PIECE_BYTES, size - start))


def _write(path: Path, content: Iterator[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(content)


def _size(root: Path) -> int:
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
