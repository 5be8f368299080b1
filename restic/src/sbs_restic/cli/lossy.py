"""Find the real name of a file that restic could only name approximately."""

import os
from typing import Final

_UNKNOWN: Final = "\ufffd"


def lossy(name: bytes) -> str:
    """Give a name as restic prints it in JSON: U+FFFD for each byte that is not part of valid UTF-8."""
    text = name.decode("utf-8", "surrogateescape")
    return "".join(_UNKNOWN if "\udc80" <= character <= "\udcff" else character for character in text)


def resolve_lossy_path(item: str) -> bytes | None:
    """Give the one existing path that restic prints as `item`; None when there is none, or more than one.

    Looks into folders only where a component holds U+FFFD; such a folder has to be readable. Any other path is
    given as it is, whether it exists or not. Surrogate escapes stand for their bytes, as in the base of a target.
    """
    if _UNKNOWN not in item:
        return item.encode("utf-8", "surrogateescape")
    absolute = item.startswith("/")
    candidates = [b"/" if absolute else b"."]
    for component in item.strip("/").split("/"):
        candidates = [path for parent in candidates for path in _children(parent, component)]
    existing = [path for path in candidates if os.path.lexists(path)]
    if len(existing) != 1:
        return None
    return existing[0] if absolute else existing[0].removeprefix(b"./")


def _children(parent: bytes, component: str) -> list[bytes]:
    if _UNKNOWN not in component:
        return [parent.rstrip(b"/") + b"/" + component.encode("utf-8", "surrogateescape")]
    try:
        with os.scandir(parent) as entries:
            return [entry.path for entry in entries if lossy(entry.name) == component]
    except OSError:
        return []
