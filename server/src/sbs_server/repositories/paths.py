"""Where a repository may lie: what can be said of a path by looking at its text and at the storage roots."""

import os
import posixpath
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sbs_server.kit.errors import invalid

FIELD = "/path"
# Linux allows 4,096 bytes for a path; restic's own files and an agent's folder come below this one.
LONGEST_BYTES = 1024
LONGEST_NAME_BYTES = 255


@dataclass(frozen=True, slots=True)
class Place:
    """A folder below a storage root, with links in the root resolved. `names` lead from the root to it."""

    root: Path
    names: tuple[str, ...]

    @property
    def path(self) -> Path:
        return self.root.joinpath(*self.names)

    @property
    def ancestors(self) -> list[Path]:
        """The folders between the root and the place, both left out, the uppermost first."""
        return [self.root.joinpath(*self.names[:depth]) for depth in range(1, len(self.names))]


def locate(path: str, roots: Sequence[Path]) -> Place:
    """The place that a path names. Raises InvalidError on `/path`."""
    _check_form(path)
    for root in roots:
        names = _below(path, os.fspath(root))
        if names:
            return Place(Path(os.path.realpath(root)), names)
    raise invalid(FIELD, "repository.path_outside_roots", roots=", ".join(str(root) for root in roots))


def contains(outer: str, inner: str) -> bool:
    """Whether `inner` lies somewhere below `outer`."""
    return inner.startswith(outer.rstrip("/") + "/")


def _check_form(path: str) -> None:
    if not path.startswith("/"):
        raise invalid(FIELD, "repository.path_not_absolute")
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in path):
        raise invalid(FIELD, "repository.path_control")
    # Two leading slashes mean something of their own to POSIX, and nothing good to us.
    if posixpath.normpath(path) != (path.rstrip("/") or "/") or path.startswith("//"):
        raise invalid(FIELD, "repository.path_not_plain")
    data = path.encode("utf-8")
    if len(data) > LONGEST_BYTES or any(len(name) > LONGEST_NAME_BYTES for name in data.split(b"/")):
        raise invalid(
            FIELD, "repository.path_too_long", longest=LONGEST_BYTES, longest_name=LONGEST_NAME_BYTES
        )


def _below(path: str, root: str) -> tuple[str, ...]:
    """The names that lead from the root to the path; empty when it is not below."""
    root = posixpath.normpath(root).rstrip("/")
    return tuple(path[len(root) :].strip("/").split("/")) if contains(root, path.rstrip("/")) else ()
