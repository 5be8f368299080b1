"""Keep a copy of the project's sources in step with the project: `mirror.py into|back PROJECT COPY`.

`into` makes the copy's files those of the project: only what differs in size or time of change is written, so
that a platform that runs from the copy is not disturbed. `back` brings home what was made in the copy since
(lock files, formatted code, results, var/demo/report.json), unless the project's own file has changed meanwhile.
Runs before anything is installed: standard library only.
"""

import json
import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

Stamp = tuple[int, int]  # time of change in ns, size

MADE_IN_PLACE = {".git", ".venv", "var", "__pycache__", "node_modules", "dist"}
CACHES = {
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    ".import_linter_cache",
    ".schemathesis",
}
REPORTS = ("var/demo/report.json",)
STATE = "var/.mirrored"


def files(root: Path) -> Iterator[str]:
    """Paths of the source files below `root`, relative to it; links are files."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in MADE_IN_PLACE | CACHES]
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in (*names, *links):
            yield os.path.relpath(Path(folder, name), root)


def stamps(root: Path) -> dict[str, Stamp]:
    """What is below `root`, and when it changed."""
    found = {}
    for name in files(root):
        state = (root / name).lstat()
        if stat.S_ISREG(state.st_mode) or stat.S_ISLNK(state.st_mode):
            found[name] = (state.st_mtime_ns, state.st_size)
    return found


def put(source: Path, target: Path) -> None:
    """Copy one file; it appears whole or not at all. All may read it, whatever the umask of the source was."""
    target.parent.mkdir(parents=True, exist_ok=True)
    passing = target.with_name(f".{target.name}.mirror")
    shutil.copy2(source, passing, follow_symlinks=False)
    if not passing.is_symlink():
        passing.chmod(0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644)
    passing.replace(target)


def into(project: Path, copy: Path) -> None:
    """Make `copy` equal to `project`, and remember what it then was."""
    wanted, present = stamps(project), stamps(copy)
    for name in present.keys() - wanted.keys():
        (copy / name).unlink()
    for name, stamp in wanted.items():
        if present.get(name) != stamp:
            put(project / name, copy / name)
    (copy / STATE).write_text(json.dumps(wanted))


def back(project: Path, copy: Path) -> None:
    """Bring home what the copy has made since; says which project files it leaves alone."""
    before: dict[str, Stamp] = {
        name: (mtime, size) for name, (mtime, size) in json.loads((copy / STATE).read_text()).items()
    }
    at_home, made = stamps(project), stamps(copy)
    for name, stamp in made.items():
        if stamp == before.get(name):
            continue
        if at_home.get(name) == before.get(name):
            bring(project, copy, name)
        else:
            print(f"mirror: {name} has changed in {project} meanwhile; the new one is {copy / name}")
    for name in REPORTS:
        if (copy / name).exists():
            bring(project, copy, name)


def bring(project: Path, copy: Path, name: str) -> None:
    """Copy one file home, for the project's owner."""
    put(copy / name, project / name)
    owner = project.stat()
    for path in (project / name, (project / name).parent):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def main() -> None:
    """See the module's text."""
    action, project, copy = sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve()
    {"into": into, "back": back}[action](project, copy)


if __name__ == "__main__":
    main()
