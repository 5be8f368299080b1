"""Paths inside of snapshots, as the API takes them."""

from typing import Any, Final

from sbs_restic.cli.errors import InvalidPathError
from sbs_restic.cli.patterns import snapshot_path
from sbs_server.kit.errors import NotFoundError, SbsError, invalid
from sbs_server.kit.http import cursors

FIELD: Final = "query:path"
LONGEST_PATH: Final = 8192
UNREADABLE: Final = "\ufffd"
_VERSION: Final = 1


def checked_path(path: str) -> str:
    """An absolute path in its shortest form; a slash at its end is taken off. Raises InvalidError."""
    try:
        return snapshot_path(path.rstrip("/") if path.strip("/") else path)
    except InvalidPathError as error:
        raise invalid(FIELD, "snapshot.path_not_plain") from error


def unknown_path(path: str) -> SbsError:
    """What to say when a snapshot has no such path: restic shows what is not UTF-8, and does not find it again."""
    if UNREADABLE in path:
        return invalid(FIELD, "snapshot.name_not_utf8")
    return NotFoundError("snapshot.path_unknown", path=path)


def encode_place(place: int) -> str:
    """A cursor: how many entries come before. A snapshot never changes, so the number holds for ever."""
    return cursors.encode(_VERSION, n=place)


def decode_place(cursor: str) -> int:
    """Raises InvalidError on anything we did not make."""
    return cursors.decode(cursor, _VERSION, _place)


def _place(data: dict[str, Any]) -> int:
    place = data["n"]
    if type(place) is not int or place < 0:
        raise ValueError("no place")
    return place
