"""What the journal remembers about a restore from the moment it begins to write until the command is over.

Three phases. *writing*: restic writes into the staging folder (or, for overwrite, in place). *moving*: all is written
and verified, files go from the staging folder to their places. *moved*: only the command's end is still missing.
"""

from typing import Literal

from pydantic import BaseModel

from sbs_agent.commands.job import Outcome
from sbs_agent.journal import Journal
from sbs_protocol.events import CommandResult, FileWarning, Problem, RestoreResult
from sbs_protocol.paths import WirePath


class Ending(BaseModel):
    """An `Outcome` in a form that can be stored. `warnings`: those that every further attempt has to tell again."""

    result: CommandResult
    restore: RestoreResult
    problem: Problem | None = None
    restic_exit_code: int | None = None
    warnings: list[FileWarning] = []

    def outcome(self) -> Outcome:
        return Outcome(self.result, self.problem, self.restic_exit_code, restore=self.restore)


class Marker(BaseModel):
    """`staging` is None for a restore in place; `suffix` stays the same over attempts; `ending` from *moving* on."""

    phase: Literal["writing", "moving", "moved"]
    staging: WirePath | None
    suffix: str
    ending: Ending | None = None


def find_marker(journal: Journal, command_id: str) -> Marker | None:
    body = journal.restore(command_id)
    return None if body is None else Marker.model_validate_json(body)


def save_marker(journal: Journal, command_id: str, marker: Marker) -> None:
    """On disk when this returns."""
    journal.remember_restore(command_id, marker.model_dump_json())
