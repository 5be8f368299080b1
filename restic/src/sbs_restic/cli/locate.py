"""Find the restic binary of this machine, and say clearly what is wrong when there is none to use."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from sbs_restic.cli import messages
from sbs_restic.cli.errors import (
    ResticMissingError,
    ResticNotExecutableError,
    ResticTooOldError,
    ResticUnavailableError,
)

OLDEST: Final = (0, 18)
"""Older ones have no `check --json`; some lack `exit_error`, `restore --overwrite` and `restore --dry-run`."""

_NEEDED: Final = "restic {}.{} or newer is needed".format(*OLDEST)
_ANSWER_TIMEOUT_S: Final = 20
_NAME: Final = "restic.exe" if os.name == "nt" else "restic"


class Source(StrEnum):
    """Where a binary was found."""

    EXPLICIT = "explicit"
    SEARCH_PATH = "path"
    EXTRA = "extra"


@dataclass(frozen=True, slots=True)
class Located:
    """A usable binary. version is (major, minor, patch)."""

    path: Path
    version: tuple[int, int, int]
    source: Source

    @property
    def version_text(self) -> str:
        """The version as people write it."""
        return ".".join(str(part) for part in self.version)


def find_restic(
    explicit: str | None = None, extra: Sequence[Path] = (), *, search_path: str | None = None
) -> Located:
    """Give the first usable restic: `explicit` alone when given, else the search path, then `extra`.

    extra: binaries, or folders that hold one.
    search_path: instead of the PATH of this process; "" searches nowhere.
    Blocks for some milliseconds (each candidate is asked for its version).
    Raises ResticMissingError, ResticTooOldError or ResticNotExecutableError; with several candidates the
    error of the first that exists.
    """
    problems: list[ResticUnavailableError] = []
    for candidate, source in _candidates(explicit, extra, search_path):
        try:
            return _examine(candidate, source)
        except ResticUnavailableError as error:
            problems.append(error)
    existing = [problem for problem in problems if not isinstance(problem, ResticMissingError)]
    if existing:
        raise existing[0]
    if explicit:
        raise problems[0]
    looked = ", ".join(["PATH", *(str(place) for place in extra)])
    raise ResticMissingError(
        f"no restic found in {looked}: {_NEEDED}; install it, or set SBS_RESTIC to its path"
    )


def _candidates(
    explicit: str | None, extra: Sequence[Path], search_path: str | None
) -> Iterator[tuple[Path, Source]]:
    if explicit:
        yield Path(explicit), Source.EXPLICIT
        return
    # Each folder by itself: an old restic in the first must not hide a new one in the second.
    # env: the search path is the system's
    folders = os.environ.get("PATH", os.defpath) if search_path is None else search_path
    for folder in filter(None, folders.split(os.pathsep)):
        found = shutil.which(_NAME, path=folder)
        if found:
            yield Path(found), Source.SEARCH_PATH
    for place in extra:
        yield (place / _NAME if place.is_dir() else place), Source.EXTRA


def _examine(path: Path, source: Source) -> Located:
    path = path.absolute()
    if not path.exists():
        raise ResticMissingError(f"{path} does not exist: {_NEEDED}; give the path of its binary")
    if not path.is_file() or not os.access(path, os.X_OK):
        raise ResticNotExecutableError(f"{path} is not an executable file: give the path of restic's binary")
    version = _version(path)
    if version[:2] < OLDEST:
        text = ".".join(str(part) for part in version)
        raise ResticTooOldError(f"{path} is restic {text}, which is too old: {_NEEDED}")
    return Located(path=path, version=version, source=source)


def _version(path: Path) -> tuple[int, int, int]:
    try:
        done = subprocess.run(
            [path, "version", "--json"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={},
            timeout=_ANSWER_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ResticNotExecutableError(
            f"{path} can't be run ({error}): give the path of restic's binary"
        ) from error
    answer = done.stdout[:10_000]
    message = messages.parse_line(answer, messages.VERSION)
    text = message.version if isinstance(message, messages.Version) else answer.decode("utf-8", "replace")
    # Before 0.17 the answer is text, whatever is asked for: "restic 0.14.0 compiled with go1.19.8 on linux/amd64".
    found = re.match(r"(?:restic )?v?(\d+)\.(\d+)(?:\.(\d+))?", text)
    if done.returncode != 0 or found is None:
        raise ResticNotExecutableError(
            f"{path} does not answer like restic: give the path of restic's binary"
        )
    major, minor, patch = found.groups(default="0")
    return int(major), int(minor), int(patch)
