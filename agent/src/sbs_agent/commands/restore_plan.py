"""What a restore would write, and what is in its way: found out before anything is written."""

import asyncio
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Final

import structlog

from sbs_agent.commands.job import Job
from sbs_agent.commands.restore_selection import Selection, parents, steps
from sbs_agent.commands.restore_staging import OLDEST_MTIME_S, allocated_bytes
from sbs_agent.errors import CommandError, refuse
from sbs_agent.platform import platform
from sbs_protocol.commands import ConflictPolicy, RestoreRun
from sbs_protocol.events import ErrorCode, FileWarning, Problem
from sbs_protocol.paths import WirePath
from sbs_restic.cli.commands import names, snapshots
from sbs_restic.cli.errors import CommandFailedError
from sbs_restic.cli.invocation import on_repository
from sbs_restic.cli.lossy import resolve_lossy_path
from sbs_restic.cli.messages import LS, Message, Node, Snapshot
from sbs_restic.cli.patterns import snapshot_path
from sbs_restic.cli.process import Runner, ensure_ok
from sbs_restic.cli.repository import Repository

log = structlog.get_logger(__name__)

_EXAMPLES: Final = 100
_OWNERS_NAMED: Final = 5
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
    `has_oldest`: some file is older than `OLDEST_MTIME_S`. `owners_lost` counts files and folders that this account
    can't give to the owner and group that the snapshot has, `of_others` holds the first paths; the folders above what
    was backed up do not count. `warnings`: what was chosen and is not in the snapshot, told already.
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
    owners_lost: int = 0
    of_others: list[str] = field(default_factory=list)
    in_the_way: list[WirePath] = field(default_factory=list)
    through_links: list[WirePath] = field(default_factory=list)
    mounted: list[WirePath] = field(default_factory=list)
    warnings: list[FileWarning] = field(default_factory=list)


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
    selection, plan = await _select(job, body, runner, repository), Plan(kept=kept)
    base = os.fspath(target)
    top = _present(base)
    device = None if top is None else top.st_dev

    above: set[str] = set()

    def look(message: Message) -> None:
        if isinstance(message, Snapshot):
            above.update(parent for path in message.paths for parent in parents(path))
        if isinstance(message, Node):
            selection.see(message.path)
        if isinstance(message, Node) and _counts(message, selection, plan):
            there = _present(base + message.path)
            if there is not None:
                _meet(message, there, plan, base, device)
            if selection.covers(message.path) and message.path not in above:
                _own(message, there, body.policy, plan)

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
    _tell_missing(job, selection, plan)
    return plan


async def _select(job: Job, body: RestoreRun, runner: Runner, repository: Repository) -> Selection:
    names_of = partial(_names_of, body, runner, repository, job.stop.event)
    try:
        return await Selection.make(chosen_paths(body), names_of)
    except CommandFailedError:
        await _refuse_missing_snapshot(job, body, runner, repository)
        raise


def _tell_missing(job: Job, selection: Selection, plan: Plan) -> None:
    for path in sorted(selection.not_found):
        text = "the path is not in the snapshot"
        plan.warnings.append(FileWarning(path=WirePath.from_bytes(path), code="restore_failed", message=text))
        job.reporter.warn(plan.warnings[-1])


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


def _meet(node: Node, there: os.stat_result, plan: Plan, base: str, device: int | None) -> None:
    """What is there now, where the node would be."""
    path = base + node.path
    is_folder = node.type == "dir"
    if is_folder and stat.S_ISLNK(there.st_mode):
        _remember(plan.through_links, path)
    elif is_folder and stat.S_ISDIR(there.st_mode):
        if there.st_dev != device:
            _remember(plan.mounted, path)
    else:
        plan.conflicts += 1
        _remember(plan.in_the_way, path)
        # A folder in the place of a file is no older version of it, which could be kept instead.
        if node.type == "file" and not stat.S_ISDIR(there.st_mode):
            _keep(node, there, plan, path, base)


def _own(node: Node, there: os.stat_result | None, policy: ConflictPolicy, plan: Plan) -> None:
    """Count it if its owner or group can't be restored. What stays as it is keeps its own."""
    if policy is ConflictPolicy.SKIP:
        stays = there is not None
    else:
        in_place = policy is ConflictPolicy.OVERWRITE
        stays = there is not None and stat.S_ISDIR(there.st_mode) and node.type == "dir" and not in_place
    if not stays and not platform.owner_stays(node.uid, node.gid):
        plan.owners_lost += 1
        if len(plan.of_others) < _OWNERS_NAMED:
            plan.of_others.append(node.path)


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


async def _names_of(
    body: RestoreRun, runner: Runner, repository: Repository, stop: asyncio.Event, folder: bytes
) -> list[bytes]:
    """None for a folder that is not there: what is missing is told after the listing.

    restic has no exit code for it, so the folders above are asked. Raises `CommandFailedError` for any other reason.
    """
    read = partial(names.run, runner, repository, body.restic_snapshot_id, stop=stop)
    try:
        return await read(folder)
    except CommandFailedError as error:
        for above, name in steps(folder):
            if name not in await read(above, only_folders=True):
                log.info("no such folder in the snapshot", reason=str(error))
                return []
        raise


async def _refuse_missing_snapshot(
    job: Job, body: RestoreRun, runner: Runner, repository: Repository
) -> None:
    """restic has no exit code for it, so its list is asked."""
    known = await snapshots.run(runner, repository, stop=job.stop.event)
    if not any(snapshot.id.startswith(body.restic_snapshot_id) for snapshot in known):
        message = f"snapshot {body.restic_snapshot_id[:8]} is not in the repository: it may have been removed"
        raise CommandError(Problem(code=ErrorCode.SNAPSHOT_MISSING, message=message, retryable=False))
