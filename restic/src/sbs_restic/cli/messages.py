"""restic's JSON messages, parsed in this one place.

Source: restic's documentation, chapter "Scripting", section "JSON output"; checked against 0.18.0. Fields that
hold a zero value are left out by restic, so every field has a default. Unknown message types and fields are
ignored (restic promises to add some), lines that are no JSON are kept as text.

Names: restic prints every byte of a name that is not UTF-8 as U+FFFD; `sbs_restic.cli.lossy` finds the real one.
Sizes are bytes, times are timezone-aware.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sbs_restic.cli.errors import UnexpectedOutputError


class Message(BaseModel):
    """Base of all parsed messages."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class BackupStatus(Message):
    """Progress of a backup. percent_done is a fraction from 0 to 1; totals grow while restic still scans."""

    seconds_elapsed: int = 0
    seconds_remaining: int = 0
    percent_done: float = 0.0
    total_files: int = 0
    files_done: int = 0
    total_bytes: int = 0
    bytes_done: int = 0
    error_count: int = 0
    current_files: tuple[str, ...] = ()


class _ErrorText(Message):
    message: str = ""


class ItemError(Message):
    """One file or folder that could not be read (backup) or written (restore)."""

    item: str = ""
    during: str = ""
    error: _ErrorText = _ErrorText()

    @property
    def message(self) -> str:
        """restic's words."""
        return self.error.message


class BackupSummary(Message):
    """What a backup did. snapshot_id is empty when no snapshot was written (dry run)."""

    snapshot_id: str = ""
    dry_run: bool = False
    files_new: int = 0
    files_changed: int = 0
    files_unmodified: int = 0
    dirs_new: int = 0
    dirs_changed: int = 0
    dirs_unmodified: int = 0
    data_blobs: int = 0
    tree_blobs: int = 0
    data_added: int = 0
    data_added_packed: int = 0
    total_files_processed: int = 0
    total_bytes_processed: int = 0
    total_duration: float = 0.0
    backup_start: datetime | None = None
    backup_end: datetime | None = None


class RestoreStatus(Message):
    """Progress of a restore. percent_done is a fraction from 0 to 1."""

    seconds_elapsed: int = 0
    percent_done: float = 0.0
    total_files: int = 0
    files_restored: int = 0
    files_skipped: int = 0
    files_deleted: int = 0
    total_bytes: int = 0
    bytes_restored: int = 0
    bytes_skipped: int = 0


class RestoreSummary(RestoreStatus):
    """What a restore did. "Files" are folders and links too, and restic counts failed ones as restored."""


class CheckSummary(Message):
    """What a check found."""

    num_errors: int = 0
    broken_packs: tuple[str, ...] | None = None
    suggest_repair_index: bool = False
    suggest_prune: bool = False


class CheckError(Message):
    """One fault that a check found."""

    message: str = ""


class Initialized(Message):
    """A repository was created; id is the id in its config."""

    id: str
    repository: str = ""


class ExitError(Message):
    """restic's last words on stderr before it fails."""

    code: int = 0
    message: str = ""


class Version(Message):
    """The answer of `version`."""

    version: str
    go_version: str = ""
    go_os: str = ""
    go_arch: str = ""


class Node(Message):
    """One entry of a folder in a snapshot (`ls`). mode is Go's os.FileMode, not st_mode; `permissions` is text."""

    name: str
    type: str
    path: str
    uid: int = 0
    gid: int = 0
    size: int | None = None
    mode: int = 0
    permissions: str = ""
    mtime: datetime | None = None
    atime: datetime | None = None
    ctime: datetime | None = None
    inode: int = 0


class SnapshotSummary(Message):
    """The statistics that a backup left in its snapshot."""

    backup_start: datetime | None = None
    backup_end: datetime | None = None
    files_new: int = 0
    files_changed: int = 0
    files_unmodified: int = 0
    data_added: int = 0
    data_added_packed: int = 0
    total_files_processed: int = 0
    total_bytes_processed: int = 0


class Snapshot(Message):
    """One snapshot of a repository. parent is empty for a first one."""

    id: str
    time: datetime
    tree: str = ""
    parent: str = ""
    paths: tuple[str, ...] = ()
    hostname: str = ""
    username: str = ""
    tags: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    program_version: str = ""
    summary: SnapshotSummary | None = None


class RepositoryConfig(Message):
    """The repository's config file: format version, id, and the polynomial that decides how data is cut."""

    version: int
    id: str
    chunker_polynomial: str


class RawDataStats(Message):
    """The answer of `stats --mode raw-data`. total_size is what the data takes, compressed and encrypted."""

    total_size: int = 0
    total_uncompressed_size: int = 0
    compression_ratio: float = 0.0
    total_blob_count: int = 0
    snapshots_count: int = 0


class Text(Message):
    """A line that is no message we know how to read."""

    text: str = Field(min_length=1)


class Refusal(Text):
    """A request that the repository's server did not carry out; restic tries it again later.

    request: restic's words for it, like "Save(<data/03f6299cf0>": the same for each try.
    status: the answer's HTTP status.
    """

    request: str
    status: int


Kinds = Mapping[str, type[Message]]
"""Which `message_type` is read as what: the same word means other things in other commands."""

BACKUP: Final[Kinds] = {"status": BackupStatus, "error": ItemError, "summary": BackupSummary}
RESTORE: Final[Kinds] = {"status": RestoreStatus, "error": ItemError, "summary": RestoreSummary}
CHECK: Final[Kinds] = {"error": CheckError, "summary": CheckSummary}
INIT: Final[Kinds] = {"initialized": Initialized}
LS: Final[Kinds] = {"snapshot": Snapshot, "node": Node}
VERSION: Final[Kinds] = {"version": Version}
NONE: Final[Kinds] = {}

_EVERYWHERE: Final[Kinds] = {"exit_error": ExitError}
_TERMINAL: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_TEXT_LIMIT: Final = 2000
# restic's REST backend prints each answer that it did not expect: "Save(<data/03f6299cf0>) returned error, retrying
# after 1.5s: unexpected HTTP response (507): 507 Insufficient Storage". Only the number is gone by.
_REQUEST: Final = re.compile(r"\w+\(<[^>]*>")
_STATUS: Final = re.compile(r"unexpected HTTP response \((\d{3})\)")


def parse_line(line: bytes, kinds: Kinds) -> Message | None:
    """Read one line of output; never raises.

    Gives a message of `kinds` (or an `ExitError`), `Text` for what can't be read, None for what is ignored:
    blank lines and message types that nobody asked for.
    """
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return text_of(line)
    kind_name = document.get("message_type") if isinstance(document, dict) else None
    if not isinstance(kind_name, str):
        return text_of(line)
    kind = kinds.get(kind_name) or _EVERYWHERE.get(kind_name)
    if kind is None:
        return None
    try:
        return kind.model_validate(document)
    except (ValidationError, RecursionError):
        return text_of(line)


def text_of(line: bytes) -> Text | None:
    """Give a line as printable text of bounded length, None when nothing is left of it."""
    text = _TERMINAL.sub("", line[: 4 * _TEXT_LIMIT].decode("utf-8", "replace")).strip()[:_TEXT_LIMIT]
    if not text:
        return None
    request, status = _REQUEST.match(text), http_status(text)
    if request is None or status is None:
        return Text(text=text)
    return Refusal(text=text, request=request.group(), status=status)


def http_status(words: str) -> int | None:
    """Give the HTTP status that restic names as the reason, None when it names none."""
    found = _STATUS.search(words)
    return int(found.group(1)) if found else None


_T = TypeVar("_T")


def parse_document(data: bytes, shape: type[_T], command: str) -> _T:
    """Read the whole output of a command that prints one JSON document.

    Raises UnexpectedOutputError when it is none, or not of that shape.
    """
    try:
        return TypeAdapter(shape).validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise UnexpectedOutputError(
            f"restic {command} answered something unreadable: {where}: {first['msg']}"
        ) from error
