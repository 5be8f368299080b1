"""Include masks for backups. restic has none, so the matching files are found here and named to it one by one."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from sbs_restic.cli.errors import NothingSelectedError
from sbs_restic.cli.patterns import Masks


def select(
    sources: Sequence[str],
    includes: Sequence[Masks],
    excludes: Sequence[Masks] = (),
    *,
    one_file_system: bool = False,
) -> Iterator[str]:
    """Give the paths below the sources that match, a folder that matches as a whole.

    A folder that can't be read is given too: restic then reports it as it reports any other. Links are not
    followed. Memory follows the depth and width of one path, not the size of the tree.
    Raises NothingSelectedError at the end when there was none.
    """
    found = False
    for source in sources:
        for path in _below(source, includes, excludes, _device(source) if one_file_system else None):
            found = True
            yield path
    if not found:
        raise NothingSelectedError(f"no file below {', '.join(sources)} matches the include masks")


def _below(
    path: str, includes: Sequence[Masks], excludes: Sequence[Masks], device: int | None
) -> Iterator[str]:
    if _any(excludes, path):
        return
    if _any(includes, path) or not os.path.lexists(path):
        yield path  # a source that is missing is restic's to report
        return
    if Path(path).is_symlink() or not Path(path).is_dir():
        return
    if device is not None and _device(path) != device:
        return
    try:
        with os.scandir(path) as entries:
            children = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    except OSError:
        yield path
        return
    for name, is_folder in children:
        child = f"{path.rstrip('/')}/{name}"
        if is_folder:
            yield from _below(child, includes, excludes, device)
        elif _any(includes, child) and not _any(excludes, child):
            yield child


def _any(lists: Sequence[Masks], path: str) -> bool:
    return any(masks.match(path) for masks in lists)


def _device(path: str) -> int | None:
    try:
        return os.lstat(path).st_dev
    except OSError:
        return None
