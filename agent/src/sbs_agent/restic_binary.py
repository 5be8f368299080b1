"""Which restic this agent uses, and what to tell when there is none."""

import os
from dataclasses import dataclass
from pathlib import Path

from sbs_agent.config import StateDirectory
from sbs_agent.errors import CommandError
from sbs_protocol.events import ErrorCode, Problem
from sbs_restic.cli.errors import ResticTooOldError, ResticUnavailableError
from sbs_restic.cli.locate import Located, find_restic
from sbs_restic.cli.process import Runner, RunnerSettings

# The agent must be gone within 20 s of being asked to stop, restic before it.
_INTERRUPT_GRACE_SECONDS = 12.0
_TERMINATE_GRACE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class ResticBinary:
    """Looked up each time it is needed: it may be installed, updated or removed while the agent runs."""

    explicit: str | None  # SBS_RESTIC
    state: StateDirectory

    @classmethod
    def from_environment(cls, state: StateDirectory) -> "ResticBinary":
        return cls(os.environ.get("SBS_RESTIC") or None, state)  # env: where a person put restic

    def find(self) -> Located:
        """Blocks for some milliseconds. Raises `ResticUnavailableError`."""
        return find_restic(self.explicit, extra=(self.state.path / "bin", *_packaged()))

    def runner(self) -> Runner:
        """Raises `CommandError`: this machine can't run backups now."""
        try:
            located = self.find()
        except ResticUnavailableError as error:
            old = isinstance(error, ResticTooOldError)
            code = ErrorCode.RESTIC_TOO_OLD if old else ErrorCode.RESTIC_MISSING
            raise CommandError(Problem(code=code, message=str(error), retryable=False)) from error
        return Runner(
            RunnerSettings(
                binary=located.path,
                cache_dir=self.state.cache,
                interrupt_grace_s=_INTERRUPT_GRACE_SECONDS,
                terminate_grace_s=_TERMINATE_GRACE_SECONDS,
            )
        )


def _packaged() -> tuple[Path, ...]:
    """Where packages of the agent put their own restic."""
    return (Path("/usr/lib/sbs-agent"), Path("/opt/sbs-agent/bin")) if os.name == "posix" else ()
