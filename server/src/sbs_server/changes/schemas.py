"""What a stream of changes says. Server-sent events: `ready`, `changed`, `progress`, `reset`."""

from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel


class ChangedKind(StrEnum):
    RUN = "run"
    AGENT = "agent"
    JOB = "job"
    REPOSITORY = "repository"
    SNAPSHOT = "snapshot"
    ENROLMENT_TOKEN = "enrolment_token"  # noqa: S105 - a word, no secret


class Change(BaseModel):
    """`event: changed`. One object has changed; whoever shows it asks for it again."""

    kind: ChangedKind
    id: UUID
    what: str
    """What has happened last, in a word: `changed`, `connected`, `created`, `forgotten` …"""
    state: str | None = None
    """The object's state, where the event had it."""
    job_id: UUID | None = None
    agent_id: UUID | None = None
    repository_id: UUID | None = None
    run_id: UUID | None = None


class RunProgress(BaseModel):
    """`event: progress`. How far a command of a run is; at most once a second for each run."""

    run_id: UUID
    command_id: str
    attempt: int
    phase: Literal["starting", "scanning", "transferring", "finishing", "verifying"]
    files_done: int
    files_total: int | None
    bytes_done: int
    bytes_total: int | None
    bytes_per_second: float | None
    seconds_left: float | None
    current_file: str | None
    warnings: int


class Reset(BaseModel):
    """`event: reset`. Changes were lost: everything on the page has to be asked for again.

    `too_old`: what came after Last-Event-ID is not kept any more; `slow`: the reader did not keep up.
    """

    reason: Literal["too_old", "slow"]


class Ready(BaseModel):
    """`event: ready`, the first one: from here on every change is told."""

    resumed: bool
    """Whether it goes on where Last-Event-ID left off; else what happened before is not told."""


class ChangeStream(BaseModel):
    """What the data of the stream's events is, by the event's name."""

    ready: Ready
    changed: Change
    progress: RunProgress
    reset: Reset


__all__ = ["Change", "ChangeStream", "ChangedKind", "Ready", "Reset", "RunProgress"]
