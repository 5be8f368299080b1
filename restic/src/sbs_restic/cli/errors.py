"""Everything that can go wrong in this package.

::

    ResticCliError
    ├── ResticUnavailableError         no usable binary on this machine
    │   ├── ResticMissingError         nothing found where it was looked for
    │   ├── ResticNotExecutableError   something is there, and it can't be run or is no restic
    │   └── ResticTooOldError          it runs, and is older than we need
    ├── UnsupportedPlatformError       processes can't be controlled on this operating system yet
    ├── InvalidRequestError            the caller asked for something that restic must not be given
    │   ├── InvalidPatternError        a mask that restic would refuse
    │   ├── InvalidPathError           a path that is not absolute, or holds what no path may hold
    │   ├── InvalidSecretError         a password that restic would silently change
    │   ├── ArgumentsTooLongError      more masks than a command line holds
    │   ├── SourceMissingError         not one of the sources exists
    │   └── NothingSelectedError       no file matches the include masks
    ├── UnexpectedOutputError          restic ended well, and did not say what it should have said
    ├── OutputTooLargeError            restic's answer is larger than we are willing to hold
    ├── PathNotInSnapshotError         the snapshot has no such path
    ├── SnapshotsNotRemovedError       forget ended well, and some snapshots are still there
    └── ResticFailedError              restic ran and failed; `.exit` says how
        ├── RepositoryMissingError     exit code 10
        ├── RepositoryLockedError      exit code 11
        ├── WrongPasswordError         exit code 12
        ├── RepositoryFullError        no exit code of its own: the server answers 507 again and again
        ├── InterruptedRunError        130, or stopped by us
        ├── KilledError                ended by a signal that we did not send
        └── CommandFailedError         1, 2 and every code that we do not know

`retryable` on each says whether the same call may succeed later without anybody changing anything.
"""

from dataclasses import dataclass

from sbs_restic.cli.exit_codes import ExitMeaning, Outcome


@dataclass(frozen=True, slots=True)
class Exit:
    """How a restic process ended.

    command: restic's name of the command ("backup").
    returncode: exit code, or minus the signal's number.
    stop_requested: whether we had asked it to stop.
    message: text of restic's `exit_error`, empty when there was none.
    diagnostics: the last lines of text that restic printed besides its JSON messages.
    """

    command: str
    returncode: int
    meaning: ExitMeaning
    stop_requested: bool = False
    message: str = ""
    diagnostics: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The meaning's short name."""
        return self.meaning.outcome

    def describe(self) -> str:
        """One line for people: what happened, restic's own words, what would be right."""
        how = f"exit code {self.returncode}" if self.returncode >= 0 else f"signal {-self.returncode}"
        words = self.message or (self.diagnostics[-1] if self.diagnostics else "")
        said = f": {' '.join(words.split())}" if words else ""
        advice = f" ({self.meaning.advice})" if self.meaning.advice else ""
        return f"restic {self.command} ended as {self.outcome} with {how}{said}{advice}"


class ResticCliError(Exception):
    """Base of all errors of this package."""

    retryable: bool = False


class ResticUnavailableError(ResticCliError):
    """There is no restic binary that we can use."""


class ResticMissingError(ResticUnavailableError):
    """No restic where it was looked for."""


class ResticNotExecutableError(ResticUnavailableError):
    """The file can't be run, or it is not restic."""


class ResticTooOldError(ResticUnavailableError):
    """This restic is older than the oldest that we work with."""


class UnsupportedPlatformError(ResticCliError):
    """Nobody has written the process control for this operating system yet."""


class InvalidRequestError(ResticCliError):
    """The call itself is wrong; restic was not started."""


class InvalidPatternError(InvalidRequestError):
    """A mask that restic would refuse."""


class InvalidPathError(InvalidRequestError):
    """A path that restic must not be given."""


class InvalidSecretError(InvalidRequestError):
    """A password that restic would read differently from how it was meant."""


class ArgumentsTooLongError(InvalidRequestError):
    """The masks do not fit on a command line."""


class SourceMissingError(InvalidRequestError):
    """Not one of a backup's sources exists. It may be otherwise tomorrow (a disk that is not mounted)."""

    retryable = True


class NothingSelectedError(InvalidRequestError):
    """No file below the sources matches the include masks. It may be otherwise tomorrow."""

    retryable = True


class UnexpectedOutputError(ResticCliError):
    """restic said that all is well, but its answer is missing or unreadable."""

    retryable = True


class OutputTooLargeError(ResticCliError):
    """restic's answer is larger than the limit."""


class PathNotInSnapshotError(ResticCliError):
    """The snapshot has no such folder."""


class SnapshotsNotRemovedError(ResticCliError):
    """`forget` ended well although some of the snapshots are still listed."""

    retryable = True

    def __init__(self, remaining: tuple[str, ...], diagnostics: tuple[str, ...]) -> None:
        self.remaining = remaining
        self.diagnostics = diagnostics
        said = f"; restic said: {diagnostics[-1]}" if diagnostics else ""
        super().__init__(
            f"{len(remaining)} snapshots are still in the repository: {', '.join(remaining)}{said}"
        )


class ResticFailedError(ResticCliError):
    """restic ran and failed."""

    def __init__(self, exit_: Exit) -> None:
        self.exit = exit_
        self.retryable = exit_.meaning.retryable
        super().__init__(exit_.describe())

    @property
    def outcome(self) -> Outcome:
        """Which failure it was."""
        return self.exit.outcome


class RepositoryMissingError(ResticFailedError):
    """There is no restic repository at the location."""


class RepositoryLockedError(ResticFailedError):
    """Somebody else holds a lock that conflicts."""


class WrongPasswordError(ResticFailedError):
    """The password opens none of the repository's keys."""


class RepositoryFullError(ResticFailedError):
    """There is no room where the repository is."""


class InterruptedRunError(ResticFailedError):
    """restic was asked to stop and did."""


class KilledError(ResticFailedError):
    """A signal that we did not send ended restic, or it had to be killed."""


class CommandFailedError(ResticFailedError):
    """restic failed for a reason that has no exit code of its own."""


_BY_OUTCOME: dict[Outcome, type[ResticFailedError]] = {
    Outcome.REPOSITORY_MISSING: RepositoryMissingError,
    Outcome.REPOSITORY_LOCKED: RepositoryLockedError,
    Outcome.WRONG_PASSWORD: WrongPasswordError,
    Outcome.REPOSITORY_FULL: RepositoryFullError,
    Outcome.INTERRUPTED: InterruptedRunError,
    Outcome.KILLED: KilledError,
}


def failure(exit_: Exit) -> ResticFailedError:
    """Give the error that stands for this ending (which must not be an `ok`)."""
    return _BY_OUTCOME.get(exit_.outcome, CommandFailedError)(exit_)
