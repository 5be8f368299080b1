"""What a restore would write, and what is in its way: found out before anything is written."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sbs_agent.commands.job import Job
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


@dataclass(slots=True)
class Plan:
    """`files` counts everything but folders, `to_verify` the regular files of them.

    `in_the_way` and `through_links` hold examples, `conflicts` all.
    """

    files: int = 0
    to_verify: int = 0
    to_verify_conflicts: int = 0
    bytes: int = 0
    folders: int = 0
    conflicts: int = 0
    in_the_way: list[WirePath] = field(default_factory=list)
    through_links: list[WirePath] = field(default_factory=list)


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
) -> Plan:
    """Walk the snapshot's listing against the target folder.

    Raises:
        CommandError: no such snapshot; nothing of the selection is in it.
        ResticCliError: the listing failed.
    """
    selection, plan = Selection(chosen_paths(body)), Plan()
    base = os.fspath(target)

    def look(message: Message) -> None:
        if isinstance(message, Node):
            _look(message, selection, plan, base)

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


def _look(node: Node, selection: Selection, plan: Plan, base: str) -> None:
    is_folder = node.type == "dir"
    covered = selection.covers(node.path)
    if not covered and not (is_folder and selection.leads_to(node.path)):
        return
    if covered:
        plan.folders += is_folder
        plan.files += not is_folder
        plan.to_verify += node.type == "file"
        plan.bytes += (node.size or 0) if node.type == "file" else 0
    mode = _present(base + node.path)
    if mode is None:
        return
    if is_folder and stat.S_ISLNK(mode):
        _remember(plan.through_links, base + node.path)
    elif not is_folder or not stat.S_ISDIR(mode):
        plan.conflicts += 1
        plan.to_verify_conflicts += node.type == "file"
        _remember(plan.in_the_way, base + node.path)


def _present(path: str) -> int | None:
    """The mode of what is there now, None if nothing is."""
    real = resolve_lossy_path(path)
    if real is None:
        return None
    try:
        return os.lstat(real).st_mode
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
