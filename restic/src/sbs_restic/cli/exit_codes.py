"""The one table of what restic's exit codes mean.

Source: restic's documentation, chapter "Scripting", section "Exit codes" (075_scripting), and for the two
traps below the program itself (0.18.0):

* a `backup` stopped by SIGINT ends with 1 ("unable to save snapshot: context canceled"), and any command
  stopped while it tries the keys ends with 12 ("wrong password"), not with 130. `interpret` is therefore
  told whether *we* asked restic to stop, instead of reading message texts;
* an exit code that the table does not know has to be treated as a failure (the documentation says so).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Outcome(StrEnum):
    """What a finished restic process achieved."""

    OK = "ok"
    FAILED = "failed"
    GO_ERROR = "go_error"
    INCOMPLETE = "incomplete"
    """Neither success nor failure: a snapshot was written, and some source data is not in it."""
    REPOSITORY_MISSING = "repository_missing"
    REPOSITORY_LOCKED = "repository_locked"
    REPOSITORY_FULL = "repository_full"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a meaning, not a password
    INTERRUPTED = "interrupted"
    KILLED = "killed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ExitMeaning:
    """One row of the table.

    retryable: the same call may succeed later without anybody changing anything.
    snapshot_may_exist: a `backup` that ended so may have left a snapshot (so look before repeating it).
    advice: what would be right, for error messages.
    """

    outcome: Outcome
    retryable: bool
    snapshot_may_exist: bool
    advice: str


_FAILED: Final = ExitMeaning(Outcome.FAILED, True, True, "see restic's message")
_INTERRUPTED: Final = ExitMeaning(Outcome.INTERRUPTED, False, True, "start it again when it is wanted")
_KILLED: Final = ExitMeaning(
    Outcome.KILLED,
    True,
    True,
    "look for what killed restic (out of memory?), remove its stale lock with unlock",
)
_KILLED_BY_US: Final = ExitMeaning(
    Outcome.KILLED, False, True, "it did not stop in time and was killed; remove its stale lock with unlock"
)
_FULL: Final = ExitMeaning(
    Outcome.REPOSITORY_FULL, True, True, "free some space where the repository is, or add storage"
)
_UNKNOWN: Final = ExitMeaning(
    Outcome.UNKNOWN, True, True, "this restic is newer than the table; it counts as a failure"
)

EXIT_CODES: Final[dict[int, ExitMeaning]] = {
    0: ExitMeaning(Outcome.OK, False, True, ""),
    1: _FAILED,
    2: ExitMeaning(Outcome.GO_ERROR, True, True, "restic itself crashed; see the diagnostics"),
    3: ExitMeaning(
        Outcome.INCOMPLETE, False, True, "see the list of items that could not be read or removed"
    ),
    10: ExitMeaning(
        Outcome.REPOSITORY_MISSING, False, False, "check the repository's location, or initialise it first"
    ),
    11: ExitMeaning(
        Outcome.REPOSITORY_LOCKED,
        True,
        False,
        "wait for the other operation, or remove a stale lock with unlock",
    ),
    12: ExitMeaning(
        Outcome.WRONG_PASSWORD, False, False, "give the password of one of the repository's keys"
    ),
    130: _INTERRUPTED,
}


def interpret(returncode: int, *, stop_requested: bool = False, storage_full: bool = False) -> ExitMeaning:
    """Give the meaning of a return code as Python reports it.

    returncode: restic's exit code, or minus the signal's number when a signal ended the process.
    stop_requested: whether we had sent restic a signal; every failure then means "interrupted". With 0 and 3
        restic had finished before the signal came.
    storage_full: whether the repository's server refused to store something for want of room, up to the end (see
        `sbs_restic.cli.refusals`): restic has no exit code for it.
    """
    if storage_full and returncode not in (0, 3):
        return _FULL
    if returncode < 0:
        # SIGINT and SIGTERM that restic had no time to handle; all other signals are somebody else's doing.
        if -returncode in (2, 15):
            return _INTERRUPTED
        return _KILLED_BY_US if stop_requested else _KILLED
    meaning = EXIT_CODES.get(returncode, _UNKNOWN)
    return _INTERRUPTED if stop_requested and returncode not in (0, 3) else meaning
