"""`sbs logs`: the end of the components' logs, and what comes after it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sbs_server.embedded.errors import DataDirectoryError, UnknownComponentError
from sbs_server.embedded.layout import DataDirectory

_CHUNK_BYTES = 64 * 1024
_POLL_S = 0.3


def log_files(data_dir: Path, component: str | None) -> list[Path]:
    """The log of `component`, or of all. Errors: UnknownComponentError, DataDirectoryError."""
    directory = DataDirectory(data_dir)
    found = _logs(directory.logs)
    if component is None:
        return found
    path = directory.log(component)
    if path not in found:
        names = ", ".join(log.stem for log in found) or "none yet"
        raise UnknownComponentError(
            f"there is no log of {component!r} in {directory.logs}; there are: {names}"
        )
    return [path]


def _logs(folder: Path) -> list[Path]:
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix == ".log")
    except FileNotFoundError:
        found = []
    except OSError as error:
        raise unreadable(folder, error) from error
    if not found:
        raise DataDirectoryError(f"there are no logs in {folder}: nothing was started there yet (`sbs up`)")
    return found


def unreadable(path: Path, error: OSError) -> DataDirectoryError:
    """For what belongs to the account that runs the platform."""
    return DataDirectoryError(
        f"{path} can't be read: {error.strerror}; use the account that runs the platform, or root"
    )


def tail(path: Path, lines: int) -> list[str]:
    """The last `lines` lines, reading no more of the file than that takes."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        data = b""
        while end > 0 and data.count(b"\n") <= lines:
            begin = max(0, end - _CHUNK_BYTES)
            file.seek(begin)
            data = file.read(end - begin) + data
            end = begin
    return data.decode("utf-8", errors="replace").splitlines()[-lines:] if lines else []


def follow(files: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """(component, line) of what is appended from now on, for ever. A log that was cut is read from its start."""
    positions = {path: path.stat().st_size for path in files}
    rests = dict.fromkeys(files, b"")
    while True:
        quiet = True
        for path in files:
            data, positions[path] = _appended(path, positions[path])
            *lines, rests[path] = (rests[path] + data).split(b"\n")
            for line in lines:
                quiet = False
                yield path.stem, line.decode("utf-8", errors="replace")
        if quiet:
            time.sleep(_POLL_S)


def _appended(path: Path, position: int) -> tuple[bytes, int]:
    if path.stat().st_size < position:
        position = 0
    with path.open("rb") as file:
        file.seek(position)
        data = file.read(_CHUNK_BYTES)
    return data, position + len(data)
