"""Keep both: a restored file that meets another of its name gets a suffix, and the other is never touched."""

import os
from collections.abc import Callable
from datetime import datetime
from itertools import count
from pathlib import PurePath

_LONGEST_NAME_BYTES = 255


def new_suffix() -> str:
    """For one restore; it stays the same over attempts."""
    return f" (restored {datetime.now().astimezone():%Y-%m-%d %H.%M.%S})"


def free_name(name: str, suffix: str, is_taken: Callable[[str], bool]) -> str:
    """`a.txt` becomes `a (restored …).txt`; a number is added while that is taken too."""
    names = (with_suffix(name, suffix if number == 1 else f"{suffix} {number}") for number in count(1))
    return next(candidate for candidate in names if not is_taken(candidate))


def with_suffix(name: str, suffix: str) -> str:
    """Put the suffix before the extension; the stem gives way where the whole would be too long a name."""
    stem, extension = PurePath(name).stem, PurePath(name).suffix
    room = _LONGEST_NAME_BYTES - len(os.fsencode(suffix + extension))
    while stem and len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return f"{stem}{suffix}{extension}"
