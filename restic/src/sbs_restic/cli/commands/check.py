"""`restic check`: is a repository sound."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sbs_restic.cli.errors import Exit, InvalidRequestError, failure
from sbs_restic.cli.exit_codes import Outcome
from sbs_restic.cli.invocation import Invocation, on_repository
from sbs_restic.cli.messages import CHECK, CheckError, CheckSummary, Message
from sbs_restic.cli.process import Runner
from sbs_restic.cli.repository import Repository

OnFault = Callable[[CheckError], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check that came to its end. sound: no fault was found."""

    sound: bool
    summary: CheckSummary
    exit: Exit


def build_args(repository: Repository, *, read_data_percent: float = 0.0) -> Invocation:
    """Give the invocation. read_data_percent: how much of the data is read as well, 100 for all, 0 for none."""
    if not 0 <= read_data_percent <= 100:
        raise InvalidRequestError(f"{read_data_percent} % of the data can't be read: give 0 to 100")
    if read_data_percent == 100:
        options: tuple[str, ...] = ("--read-data",)
    else:
        options = (f"--read-data-subset={read_data_percent:.4f}%",) if read_data_percent else ()
    return on_repository(repository, "check", options=options)


async def run(
    runner: Runner,
    repository: Repository,
    *,
    read_data_percent: float = 0.0,
    on_fault: OnFault | None = None,
    stop: asyncio.Event | None = None,
) -> CheckResult:
    """Check the repository and give what was found.

    Raises ResticFailedError when the check itself could not be done.
    """
    listener = _Listener(on_fault)
    invocation = build_args(repository, read_data_percent=read_data_percent)
    exit_ = await runner.run(invocation, kinds=CHECK, on_message=listener.hear, stop=stop)
    # A locked repository also gets a summary ("1 error"), so the exit code has to agree.
    if listener.summary is None or exit_.outcome not in (Outcome.OK, Outcome.FAILED):
        raise failure(exit_)
    sound = exit_.outcome is Outcome.OK and listener.summary.num_errors == 0
    return CheckResult(sound=sound, summary=listener.summary, exit=exit_)


class _Listener:
    def __init__(self, on_fault: OnFault | None) -> None:
        self._on_fault = on_fault
        self.summary: CheckSummary | None = None

    def hear(self, message: Message) -> Awaitable[None] | None:
        if isinstance(message, CheckSummary):
            self.summary = message
        elif isinstance(message, CheckError) and self._on_fault is not None:
            return self._on_fault(message)
        return None
