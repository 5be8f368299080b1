"""What is restored, and where to: checks of the paths."""

from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from sbs_protocol.paths import WirePath
from sbs_server.jobs.sources import absolute_path

LONGEST_BYTES = 8192


def selected_path(value: Any) -> WirePath:
    """An absolute path in a snapshot, from text or {text, raw}. Raises PydanticCustomError."""
    path = _exact(value)
    if not path.startswith(b"/") or b"\0" in path:
        raise PydanticCustomError("restore.selection_not_absolute", "not an absolute path")
    parts = path.split(b"/")[1:]
    if path != b"/" and (b"" in parts or b"." in parts or b".." in parts):
        raise PydanticCustomError("restore.selection_not_plain", "not in its shortest form")
    if len(path) > LONGEST_BYTES:
        raise PydanticCustomError("restore.selection_too_long", "too long", {"longest": LONGEST_BYTES})
    return WirePath.from_bytes(path)


def target_folder(text: str) -> str:
    """An absolute folder of a machine, without its roots. Raises PydanticCustomError."""
    folder = absolute_path(text)
    if not folder.strip("/\\") or folder.rstrip("/\\").endswith(":"):
        raise PydanticCustomError("restore.target_root", "the root of a file system")
    return folder


def _exact(value: Any) -> bytes:
    try:
        if isinstance(value, str):
            return value.encode("utf-8")
        if isinstance(value, dict) and set(value) <= {"text", "raw"}:
            return WirePath.model_validate(value).to_bytes()
    except (ValidationError, ValueError) as error:
        raise PydanticCustomError("restore.selection_unreadable", "not a path") from error
    raise PydanticCustomError("restore.selection_unreadable", "not a path")
