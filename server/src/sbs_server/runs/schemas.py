"""Runs in the API."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from sbs_server.kit.http.explained import Explained
from sbs_server.kit.http.inputs import Input
from sbs_server.models import RunKind, RunState, RunTrigger


def _distinct(ids: list[UUID]) -> list[UUID]:
    return list(dict.fromkeys(ids))


class RunStart(Input):
    agent_ids: (
        Annotated[list[UUID], Field(min_length=1, max_length=1000), AfterValidator(_distinct)] | None
    ) = None
    """Some of the job's agents; null: all of them."""


class RunError(Explained):
    """Why a run, a target or an attempt failed."""

    detail: str | None
    """What the agent or the step reported, in English, for whoever looks closer."""


class Wait(Explained):
    """Why a run does not go on just now."""

    queue_position: int | None = None
    """Place among the organization's runs that wait for admission; 1 is next."""
    queue_length: int | None = None
    blocked_by: list[UUID] = []
    """Runs that hold a restic repository which this one needs."""
    agent_offline_since: datetime | None = None
    retry_at: datetime | None = None


class RunOut(BaseModel):
    id: UUID
    kind: RunKind
    state: RunState
    trigger: RunTrigger
    job_id: UUID | None
    job_name: str | None
    agent_id: UUID
    agent_name: str
    requested_by: UUID | None
    scheduled_for: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested_at: datetime | None
    attempt: int
    warnings_total: int
    error: RunError | None
    result: dict[str, Any]
    bytes_processed: int | None = None
    """Bytes of the files that were read (backup) or written (restore); null: not known yet."""
    bytes_added: int | None = None
    """Bytes that a backup added to its repositories, all together, before compression; null: not known, or none."""


class RunTargetOut(BaseModel):
    restic_repository_id: UUID
    repository_id: UUID
    repository_name: str
    state: RunState
    restic_snapshot_id: str | None
    error: RunError | None
    result: dict[str, Any]


class RunAttemptOut(BaseModel):
    restic_repository_id: UUID
    attempt: int
    result: str
    error: RunError | None
    started_at: datetime | None
    finished_at: datetime | None


class RunDetail(RunOut):
    wait: Wait | None
    snapshot_id: UUID | None
    """The snapshot that this run made."""
    targets: list[RunTargetOut]
    attempts: list[RunAttemptOut]


class RunsStarted(BaseModel):
    items: list[RunOut]


class RunWarningOut(BaseModel):
    """One file that was not read or not restored."""

    id: UUID
    restic_repository_id: UUID | None
    attempt: int
    position: int
    path: str
    path_raw: str | None
    """Base64 of the exact bytes, where `path` could not show them."""
    code: str
    message: str
