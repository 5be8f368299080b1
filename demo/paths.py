"""Paths as the kernel has them (bytes), and two ways to write them as text: one exact, one to read."""

import os
import re
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from demo.errors import ManifestError

_UNDECODABLE = re.compile("[\udc80-\udcff]")


def as_bytes(path: bytes | str | Path) -> bytes:
    """Any form of a path as the bytes the kernel sees; relative ones stay relative."""
    return os.fsencode(path)


def encode(path: bytes) -> str:
    """Exact ASCII text for any bytes: RFC 3986 percent-encoding of all but letters, digits and `_.-~/`."""
    return quote_from_bytes(path, safe="/")


def decode(text: str) -> bytes:
    """The inverse of `encode`; raises ManifestError for a text that `encode` can't have made."""
    path = unquote_to_bytes(text)
    if encode(path) != text:
        raise ManifestError(f"not a percent-encoded path as the manifest writes it: {text!r}")
    return path


def readable(path: bytes) -> str:
    """A path as restic prints it in JSON: UTF-8, each byte that is not part of it as one U+FFFD.

    Not reversible. Go replaces byte by byte; Python's `errors="replace"` replaces sequence by sequence
    and would give another number of U+FFFD, hence the way round over surrogate escapes, which are one to
    a byte."""
    return _UNDECODABLE.sub("\ufffd", path.decode("utf-8", "surrogateescape"))
