"""What the command line can fail with, and its exit codes.

    CliError                   1  the operation failed
    ├── UsageError             2  an argument is wrong
    ├── NotSignedInError       5  sign in first (`sbs login`)
    └── UnreachableError       6  the control plane can't be reached, or is not who it should be
        └── NotNowError        6  it is reached and can't answer now: what was asked may work later

`sbs runs watch`, and whatever waits for a run, ends with 0 (succeeded), 3 (completed with warnings, or partial),
1 (failed) or 4 (cancelled). With several runs it is the worst of them: 1 before 4 before 3.
"""

from collections.abc import Iterable
from typing import ClassVar


class CliError(Exception):
    exit_code: ClassVar[int] = 1


class UsageError(CliError):
    exit_code = 2


class NotSignedInError(CliError):
    exit_code = 5


class UnreachableError(CliError):
    exit_code = 6
    retry_after_s: float = 0.0
    """Sooner than that, in seconds, there is no use in another try."""


class NotNowError(UnreachableError):
    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


RUN_EXIT_CODES = {
    "succeeded": 0,
    "completed_with_warnings": 3,
    "partial": 3,
    "failed": 1,
    "cancelled": 4,
}
INTERRUPTED = 130  # by Ctrl-C, as shells have it
_WORST_FIRST = (1, 4, 3)


def worst(exit_codes: Iterable[int]) -> int:
    """The exit code of several runs: a failure must not hide behind another one's warnings."""
    found = set(exit_codes)
    return next((code for code in _WORST_FIRST if code in found), 0)
