"""The timeline of a run in the API."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel

from sbs_server.kit.http.explained import Explained
from sbs_server.models import RunState
from sbs_server.runs.schemas import RunError


class StepCode(StrEnum):
    """The steps in the order in which a run takes them; its text is the message `timeline.<code>`."""

    PREPARING = "preparing"  # asked for, until the run knows what is to be done and asks for admission
    ADMISSION = "admission"  # waits for its turn at the repositories
    ORDERED = "ordered"  # until the agent has taken the order
    ACCEPTED = "accepted"  # taken by the agent, until restic starts
    STARTED = "started"  # restic runs, until its first progress
    TRANSFERRING = "transferring"  # from the first progress to restic's summary, as it came in
    RETRY_PAUSE = "retry_pause"  # between two attempts
    RECORDING = "recording"  # the result is looked at and written down
    RETENTION_ADMISSION = "retention_admission"  # waits to have the repositories for itself
    RETENTION = "retention"  # old snapshots are forgotten
    FINISHED = "finished"


class StepOutcome(StrEnum):
    DONE = "done"
    ONGOING = "ongoing"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TimelineStep(BaseModel):
    """One step. `label` is in the reader's language."""

    code: StepCode
    label: Explained
    outcome: StepOutcome
    started_at: datetime
    finished_at: datetime | None
    """None while it goes on."""
    duration_s: float | None
    attempt: int | None = None
    """Of the steps at a target: which attempt, from 1."""
    restic_repository_id: UUID | None = None
    """Of the steps at a target: which one. Targets go on side by side."""
    repository_id: UUID | None = None
    repository_name: str | None = None
    error: RunError | None = None


class Timeline(BaseModel):
    """The steps of a run in the order in which they began."""

    run_id: UUID
    state: RunState
    steps: list[TimelineStep]
