"""What a restore would write, and what is in its way: found out before anything is written."""

import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Final

from sbs_agent.commands.job import Job
from sbs_agent.commands.restore_staging import OLDEST_MTIME_S, allocated_bytes
from sbs_agent.errors import CommandError, refuse
from sbs_protocol.commands import RestoreRun
from sbs_protocol.events import ErrorCode, FileWarning, Problem
from sbs_protocol.paths import WirePath
from sbs_restic.cli.commands import snapshots
from sbs_restic.cli.errors import CommandFailedError
from sbs_restic.cli.invocation import on_repository
from sbs_restic.cli.lossy import lossy, resolve_lossy_path
from sbs_restic.cli.messages import LS, Message, Node
from sbs_restic.cli.patterns import snapshot_path
from sbs_restic.cli.process import Runner, ensure_ok
from sbs_restic.cli.repository import Repository

_EXAMPLES: Final = 100
_IN_MEMORY_BYTES: Final = 2**20
_OLDEST: Final = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=OLDEST_MTIME_S)


class PathList:
    """Any number of paths, in memory while they are few, then in a temporary file."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - closed with it

    def add(self, path: bytes) -> None:
        self._file.write(path + b"\0")

    def take(self) -> Iterator[bytes]:
        """All of them, once; the list is closed then."""
        rest = b""
        with self._file as stored:
            stored.seek(0)
            while chunk := stored.read(_IN_MEMORY_BYTES):
                *paths, rest = (rest + chunk).split(b"\0")
                yield from paths

    def close(self) -> None:
        self._file.close()


@dataclass(slots=True)
class Plan:
    """`files` counts everything but folders, `to_verify` the regular files of them.

    `in_the_way`, `through_links` and `mounted` (folders of another file system) hold examples, `conflicts` counts
    all. `kept` (for skip only) has each regular file of the snapshot whose place is taken, relative to the target;
    `kept_bytes` is their size in the snapshot, `there_bytes` what those in their places take of the disk.
    `has_oldest`: some file is older than `OLDEST_MTIME_S`.
    """

    files: int = 0
    to_verify: int = 0
    bytes: int = 0
    folders: int = 0
    conflicts: int = 0
    kept: PathList | None = None
    kept_bytes: int = 0
    there_bytes: int = 0
    has_oldest: bool = False
    in_the_way: list[WirePath] = field(default_factory=list)
    through_links: list[WirePath] = field(default_factory=list)
    mounted: list[WirePath] = field(default_factory=list)


class Selection:
    """The chosen paths, compared as restic prints paths: U+FFFD for each byte that is not UTF-8."""

    def __init__(self, chosen: tuple[bytes, ...]) -> None:
        self._chosen = {lossy(path) for path in chosen}
        self._above = {parent for path in self._chosen for parent in _parents(path)}
        self.not_found = set(self._chosen)

    def covers(self, path: str) -> bool:
        """Whether the path or a folder above it was chosen."""
        if not self._chosen:
            return True
        self.not_found.discard(path)
        return path in self._chosen or any(parent in self._chosen for parent in _parents(path))

    def leads_to(self, path: str) -> bool:
        """Whether a chosen path lies below this folder."""
        return path in self._above


def chosen_paths(body: RestoreRun) -> tuple[bytes, ...]:
    """Raises `CommandError` for what is no plain absolute path; the snapshot's root means all of it."""
    try:
        paths = [path.to_bytes() for path in body.selection]
    except ValueError as error:
        refuse(ErrorCode.COMMAND_INVALID, f"a selected path is not readable: {error}")
    if b"/" in paths:
        return ()
    for path in paths:
        snapshot_path(path)  # InvalidPathError: relative, "..", "//", NUL
    return tuple(paths)


async def make_plan(
    job: Job,
    body: RestoreRun,
    target: Path,
    runner: Runner,
    repository: Repository,
    *,
    kept: PathList | None = None,
) -> Plan:
    """Walk the snapshot's listing against the target folder; `kept` is filled and becomes the plan's.

    Raises:
        CommandError: no such snapshot; nothing of the selection is in it.
        ResticCliError: the listing failed.
    """
    selection, plan = Selection(chosen_paths(body)), Plan(kept=kept)
    base = os.fspath(target)
    there = _present(base)
    device = None if there is None else there.st_dev

    def look(message: Message) -> None:
        if isinstance(message, Node) and _counts(message, selection, plan):
            _meet(message, plan, base, device)

    listing = on_repository(repository, "ls", operands=(body.restic_snapshot_id,))
    try:
        ensure_ok(await runner.run(listing, kinds=LS, on_message=look, stop=job.stop.event))
    except CommandFailedError:
        await _refuse_missing_snapshot(job, body, runner, repository)
        raise
    if plan.files + plan.folders == 0:
        refuse(
            ErrorCode.NOTHING_SELECTED,
            f"nothing of the selection is in snapshot {body.restic_snapshot_id[:8]}",
        )
    for path in sorted(selection.not_found):
        text = "the path is not in the snapshot"
        job.reporter.warn(FileWarning(path=WirePath(text=path), code="restore_failed", message=text))
    return plan


def _counts(node: Node, selection: Selection, plan: Plan) -> bool:
    """Count what was chosen; False for what neither was nor leads to it."""
    is_folder, is_file = node.type == "dir", node.type == "file"
    covered = selection.covers(node.path)
    if covered:
        plan.folders += is_folder
        plan.files += not is_folder
        plan.to_verify += is_file
        plan.bytes += (node.size or 0) if is_file else 0
        plan.has_oldest |= node.mtime is not None and node.mtime <= _OLDEST
    return covered or (is_folder and selection.leads_to(node.path))


def _meet(node: Node, plan: Plan, base: str, device: int | None) -> None:
    """What is there now, where the node would be."""
    path = base + node.path
    there = _present(path)
    if there is None:
        return
    is_folder = node.type == "dir"
    if is_folder and stat.S_ISLNK(there.st_mode):
        _remember(plan.through_links, path)
    elif is_folder and stat.S_ISDIR(there.st_mode):
        if there.st_dev != device:
            _remember(plan.mounted, path)
    else:
        plan.conflicts += 1
        _remember(plan.in_the_way, path)
        if node.type == "file":
            _keep(node, there, plan, path, base)


def _keep(node: Node, there: os.stat_result, plan: Plan, path: str, base: str) -> None:
    real = resolve_lossy_path(path)
    if real is not None:
        if plan.kept is not None:
            plan.kept.add(real[len(os.fsencode(base)) :].lstrip(b"/"))
        plan.kept_bytes += node.size or 0
        plan.there_bytes += min(allocated_bytes(there), node.size or 0)


def _present(path: str) -> os.stat_result | None:
    """What is there now, None if nothing is."""
    real = resolve_lossy_path(path)
    if real is None:
        return None
    try:
        return os.lstat(real)
    except OSError:
        return None


def _remember(examples: list[WirePath], path: str) -> None:
    if len(examples) < _EXAMPLES:
        real = resolve_lossy_path(path)
        examples.append(WirePath(text=path) if real is None else WirePath.from_bytes(real))


async def _refuse_missing_snapshot(
    job: Job, body: RestoreRun, runner: Runner, repository: Repository
) -> None:
    """restic has no exit code for it, so its list is asked."""
    known = await snapshots.run(runner, repository, stop=job.stop.event)
    if not any(snapshot.id.startswith(body.restic_snapshot_id) for snapshot in known):
        message = f"snapshot {body.restic_snapshot_id[:8]} is not in the repository: it may have been removed"
        raise CommandError(Problem(code=ErrorCode.SNAPSHOT_MISSING, message=message, retryable=False))


def _parents(path: str) -> list[str]:
    """/a and /a/b for /a/b/c."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(2, len(parts))]
