"""Paths inside of snapshots, as the API takes them."""

import base64
import binascii
import json
from typing import Final

from sbs_restic.cli.errors import InvalidPathError
from sbs_restic.cli.patterns import snapshot_path
from sbs_server.kit.errors import FieldProblem, InvalidError, NotFoundError, SbsError, invalid

FIELD: Final = "query:path"
LONGEST_PATH: Final = 8192
UNREADABLE: Final = "\ufffd"


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
    return base64.urlsafe_b64encode(json.dumps({"v": 1, "n": place}).encode()).decode().rstrip("=")


def decode_place(cursor: str) -> int:
    """Raises InvalidError on anything we did not make."""
    try:
        data = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        place = data["n"]
        if data["v"] != 1 or type(place) is not int or place < 0:
            raise ValueError("a cursor of another kind")
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise InvalidError("request.invalid", FieldProblem("query:cursor", "request.cursor")) from error
    return place
