"""`restic backup`: write a snapshot of folders and files."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from sbs_restic.cli.commands.answers import expect
from sbs_restic.cli.errors import Exit, InvalidPathError, InvalidRequestError, SourceMissingError, failure
from sbs_restic.cli.exit_codes import Outcome
from sbs_restic.cli.invocation import Invocation, on_repository
from sbs_restic.cli.lossy import lossy
from sbs_restic.cli.messages import BACKUP, BackupStatus, BackupSummary, ItemError, Message
from sbs_restic.cli.patterns import Masks, check_masks, path_text
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository
from sbs_restic.cli.selection import select

OnStatus = Callable[[BackupStatus], Awaitable[None] | None]
OnItemError = Callable[[ItemError], Awaitable[None] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupRequest:
    """What to back up, and what to say about it in the snapshot.

    sources: absolute folders and files.
    excludes, iexcludes: restic's masks of what is left out (iexcludes without regard to case).
    includes, iincludes: masks of what is kept below the sources; empty keeps everything. restic has no such
        option, so the sources are walked first and each match is named to restic: the snapshot's `paths` are
        then the matches. Give `parent` then, since restic finds a parent by equal paths.
    tags: without commas. host: the name of the machine in the snapshot.
    time: the snapshot's time instead of now. parent: id of the snapshot to compare with.
    """

    sources: tuple[str | bytes, ...]
    excludes: tuple[str, ...] = ()
    iexcludes: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    iincludes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    host: str
    time: datetime | None = None
    parent: str | None = None
    one_file_system: bool = False
    compression: Literal["auto", "off", "max"] = "auto"
    read_concurrency: int | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class BackupResult:
    """A backup that came to its end.

    outcome: OK, or INCOMPLETE when the snapshot lacks what could not be read or does not exist.
    item_errors: how many items that were; each was passed to on_item_error.
    """

    outcome: Outcome
    summary: BackupSummary
    item_errors: int
    exit: Exit


def build_args(repository: Repository, request: BackupRequest) -> Invocation:
    """Give the invocation. Raises InvalidRequestError and its kin for what restic must not be given."""
    sources = tuple(_source(source) for source in request.sources)
    if not sources:
        raise InvalidRequestError("a backup needs at least one source")
    check_masks((*request.excludes, *request.iexcludes))
    masks = [f"--exclude={mask}" for mask in request.excludes] + [
        f"--iexclude={mask}" for mask in request.iexcludes
    ]
    return on_repository(
        repository,
        "backup",
        options=[*_options(request), *masks],
        documents=(("--files-from-raw", lambda: _terminated(_chosen(sources, request))),),
    )


def _source(source: str | bytes) -> str:
    text = path_text(source)
    if not Path(text).is_absolute() or "\0" in text:
        # restic cuts off the beginning of relative ones: their files are then elsewhere in the snapshot.
        raise InvalidPathError(f"the source {text!r} is not an absolute path")
    return text


def _options(request: BackupRequest) -> list[str]:
    if any("," in tag or not tag for tag in request.tags):
        raise InvalidRequestError(
            f"tags must not be empty or hold a comma: {', '.join(map(repr, request.tags))}"
        )
    options = [f"--host={request.host}", f"--compression={request.compression}"]
    options += [f"--tag={tag}" for tag in request.tags]
    if request.time:
        # restic reads this in local time, and the runner makes that UTC.
        options.append(f"--time={request.time.astimezone(UTC):%Y-%m-%d %H:%M:%S}")
    if request.parent:
        options.append(f"--parent={request.parent}")
    if request.read_concurrency:
        options.append(f"--read-concurrency={request.read_concurrency}")
    flags = {"--one-file-system": request.one_file_system, "--dry-run": request.dry_run}
    return options + [flag for flag, wanted in flags.items() if wanted]


def _chosen(sources: tuple[str, ...], request: BackupRequest) -> Iterable[str]:
    if not request.includes and not request.iincludes:
        return sources
    return select(
        sources,
        [Masks(request.includes), Masks(request.iincludes, ignore_case=True)],
        [Masks(request.excludes), Masks(request.iexcludes, ignore_case=True)],
        one_file_system=request.one_file_system,
    )


def _terminated(paths: Iterable[str]) -> Iterable[bytes]:
    return (path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)


async def run(
    runner: Runner,
    repository: Repository,
    request: BackupRequest,
    *,
    on_status: OnStatus | None = None,
    on_item_error: OnItemError | None = None,
    stop: asyncio.Event | None = None,
) -> BackupResult:
    """Write the snapshot. on_status is called at most twice a second.

    A source that does not exist is an item error (with `during` "source") as long as another one does.
    Raises ResticFailedError when there is no complete account of a snapshot; its `exit.meaning` says whether
    there may be one all the same. Raises SourceMissingError when there is no source at all, and
    NothingSelectedError when nothing matches the include masks.
    """
    invocation = build_args(repository, request)
    listener = _Listener(on_status, on_item_error)
    await listener.report_missing(request.sources)
    exit_ = await runner.run(invocation, kinds=BACKUP, on_message=listener.hear, stop=stop)
    if exit_.outcome not in (Outcome.OK, Outcome.INCOMPLETE):
        raise failure(exit_)
    summary = expect(listener.summary, "backup")
    # restic ends with 0 when it skipped a source that does not exist.
    outcome = Outcome.INCOMPLETE if listener.item_errors else exit_.outcome
    return BackupResult(outcome, summary, listener.item_errors, exit_)


def _is_missing(path: str) -> bool:
    try:
        os.lstat(path.encode("utf-8", "surrogateescape"))
    except FileNotFoundError:
        return True
    except OSError:
        return False  # it may be there; restic says what is wrong with it
    return False


class _Listener:
    def __init__(self, on_status: OnStatus | None, on_item_error: OnItemError | None) -> None:
        self._on_status = on_status
        self._on_item_error = on_item_error
        self.summary: BackupSummary | None = None
        self.item_errors = 0

    async def report_missing(self, sources: tuple[str | bytes, ...]) -> None:
        """Report the sources that do not exist; restic would only remark on them."""
        names = [path_text(source) for source in sources]
        missing = await asyncio.to_thread(lambda: [name for name in names if _is_missing(name)])
        if len(missing) == len(names):
            raise SourceMissingError(f"nothing to back up: {', '.join(map(repr, missing))} does not exist")
        for name in missing:
            shown = lossy(name.encode("utf-8", "surrogateescape"))
            error = {"message": "the source does not exist"}
            answer = self.hear(ItemError.model_validate({"item": shown, "during": "source", "error": error}))
            if answer is not None:
                await answer

    def hear(self, message: Message) -> Awaitable[None] | None:
        if isinstance(message, BackupSummary):
            self.summary = message
        elif isinstance(message, BackupStatus) and self._on_status is not None:
            return self._on_status(message)
        # restic's scanner, which only estimates the size, reports the same folder once more.
        elif isinstance(message, ItemError) and message.during != "scan":
            self.item_errors += 1
            if self._on_item_error is not None:
                return self._on_item_error(message)
        return None
