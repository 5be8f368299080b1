"""`restic restore`: write files of a snapshot into a folder."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sbs_restic.cli.commands.answers import expect
from sbs_restic.cli.errors import Exit, InvalidPathError, InvalidRequestError, failure
from sbs_restic.cli.exit_codes import Outcome
from sbs_restic.cli.invocation import Invocation, on_repository
from sbs_restic.cli.messages import RESTORE, ItemError, Message, RestoreStatus, RestoreSummary
from sbs_restic.cli.patterns import escaped_line, path_text, snapshot_path
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository

OnStatus = Callable[[RestoreStatus], Awaitable[None] | None]
OnItemError = Callable[[ItemError], Awaitable[None] | None]


class Overwrite(StrEnum):
    """What happens to files that are there already (restic's own words)."""

    ALWAYS = "always"
    IF_CHANGED = "if-changed"
    IF_NEWER = "if-newer"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequest:
    """What to restore, and where to.

    snapshot: id. subfolder: only what is below this folder of the snapshot, without the folders above it.
    target: absolute folder; restic creates it. Without a subfolder, /home/x becomes <target>/home/x.
    includes: absolute paths (below the subfolder, if there is one), taken literally; empty is everything. One
        that is not in the snapshot is no error to restic: compare the summary with what was expected.
    verify: read back what was written. dry_run: write nothing. Not both.
    inherited: open descriptors that the target's path goes by (/proc/self/fd/N): the child gets them.
    """

    snapshot: str
    target: str | bytes
    subfolder: str | bytes | None = None
    includes: tuple[str | bytes, ...] = ()
    overwrite: Overwrite = Overwrite.ALWAYS
    verify: bool = False
    dry_run: bool = False
    inherited: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """A restore that came to its end.

    outcome: OK, or INCOMPLETE when some items could not be written or verified.
    item_errors: how many errors there were (one item may have several); each was passed to on_item_error. Their
        items are paths below the subfolder, if there is one.
    """

    outcome: Outcome
    summary: RestoreSummary
    item_errors: int
    exit: Exit


def build_args(repository: Repository, request: RestoreRequest) -> Invocation:
    """Give the invocation. Raises InvalidRequestError and its kin for what restic must not be given."""
    target = path_text(request.target)
    if not Path(target).is_absolute():
        raise InvalidPathError(f"the target {target!r} is not an absolute path")
    if request.verify and request.dry_run:
        raise InvalidRequestError("a dry run writes nothing that could be verified: choose one of the two")
    for path in request.includes:
        snapshot_path(path)
    flags = {"--verify": request.verify, "--dry-run": request.dry_run}
    includes = (("--include-file", lambda: _lines(request.includes)),) if request.includes else ()
    return on_repository(
        repository,
        "restore",
        options=[
            f"--target={target}",
            f"--overwrite={request.overwrite}",
            *(flag for flag, wanted in flags.items() if wanted),
        ],
        operands=(_what(request),),
        documents=includes,
        inherited=request.inherited,
    )


def _what(request: RestoreRequest) -> str:
    if request.subfolder is None:
        return request.snapshot
    return f"{request.snapshot}:{snapshot_path(request.subfolder)}"


def _lines(paths: tuple[str | bytes, ...]) -> Iterator[bytes]:
    return (escaped_line(path) for path in paths)


async def run(
    runner: Runner,
    repository: Repository,
    request: RestoreRequest,
    *,
    on_status: OnStatus | None = None,
    on_item_error: OnItemError | None = None,
    stop: asyncio.Event | None = None,
) -> RestoreResult:
    """Restore. on_status is called at most twice a second.

    Raises ResticFailedError when restic did not come to its end; some files may have been written.
    """
    listener = _Listener(on_status, on_item_error)
    invocation = build_args(repository, request)
    exit_ = await runner.run(invocation, kinds=RESTORE, on_message=listener.hear, stop=stop)
    # restic has no exit code of its own for "came to the end, some items failed": it is 1, with a summary.
    went_through = (
        listener.summary is not None and listener.item_errors > 0 and exit_.outcome is Outcome.FAILED
    )
    if exit_.outcome is not Outcome.OK and not went_through:
        raise failure(exit_)
    outcome = Outcome.INCOMPLETE if went_through else Outcome.OK
    return RestoreResult(outcome, expect(listener.summary, "restore"), listener.item_errors, exit_)


class _Listener:
    def __init__(self, on_status: OnStatus | None, on_item_error: OnItemError | None) -> None:
        self._on_status = on_status
        self._on_item_error = on_item_error
        self.summary: RestoreSummary | None = None
        self.item_errors = 0

    def hear(self, message: Message) -> Awaitable[None] | None:
        # A summary is a status too, so it has to be asked for first.
        if isinstance(message, RestoreSummary):
            self.summary = message
        elif isinstance(message, RestoreStatus) and self._on_status is not None:
            return self._on_status(message)
        elif isinstance(message, ItemError):
            self.item_errors += 1
            if self.summary is not None:
                # restic calls both "restore"; it gives its summary when all is written, before it verifies.
                message = message.model_copy(update={"during": "verify"})
            if self._on_item_error is not None:
                return self._on_item_error(message)
        return None
