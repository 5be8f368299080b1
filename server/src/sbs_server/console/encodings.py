"""Which of the compressed copies that the build has put beside a file a browser gets."""

import os
from pathlib import Path

# Best first: content coding, and what the build adds to the file's name.
_COPIES = (("br", ".br"), ("gzip", ".gz"))


def accepted(header: str) -> set[str]:
    """The content codings that an Accept-Encoding header names and does not refuse (`q=0`)."""
    found = set()
    for part in header.lower().split(","):
        coding, _, parameters = part.partition(";")
        if not _refused(parameters):
            found.add(coding.strip())
    return found


def _refused(parameters: str) -> bool:
    name, _, value = parameters.partition("=")
    return name.strip() == "q" and not value.strip().strip("0.")


def best_copy(file: Path, header: str) -> tuple[Path, os.stat_result, str | None] | None:
    """What to send for `file` to who sent this Accept-Encoding: path, its state, content coding (None: as it is).

    None if nothing is there. A copy that is older than its file belongs to another build and is passed over.
    """
    try:
        plain = file.stat()
    except OSError:
        return None
    wanted = accepted(header)
    for coding, suffix in _COPIES:
        copy = file.with_name(file.name + suffix)
        if (
            coding in wanted
            and (state := _state(copy)) is not None
            and state.st_mtime_ns >= plain.st_mtime_ns
        ):
            return copy, state, coding
    return file, plain, None


def _state(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None
