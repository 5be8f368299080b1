"""The mark that a repository leaves in its folder.

It says whose folder this is where the database can't be asked: row-level security hides the repositories of other
organizations. And it tells an unmounted disk (an empty mount point) from a repository's folder.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

MARKER = ".sbs-repository"
_LARGEST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Marker:
    repository_id: UUID
    organization_id: UUID


UNREADABLE = Marker(UUID(int=0), UUID(int=0))
"""Stands for a mark that nobody can read any more: the folder belongs to somebody, we can't say to whom."""


def read_marker(folder: Path) -> Marker | None:
    """Whose folder this is; None: nobody's. Raises OSError when the folder can't be looked into."""
    try:
        descriptor = os.open(folder / MARKER, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with os.fdopen(descriptor, "rb") as file:
        return _parse(file.read(_LARGEST_BYTES))


def write_marker(folder: Path, marker: Marker) -> None:
    """Leaves the mark, durably; replaces one that is there. Raises OSError."""
    document = {"repository_id": marker.repository_id.hex, "organization_id": marker.organization_id.hex}
    fresh = folder / f"{MARKER}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(fresh, flags, 0o640), "wb") as file:
        file.write(json.dumps(document).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / MARKER)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Makes new names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parse(data: bytes) -> Marker:
    try:
        document = json.loads(data)
        return Marker(UUID(hex=document["repository_id"]), UUID(hex=document["organization_id"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return UNREADABLE
