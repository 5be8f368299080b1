"""Snapshots in the API."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from sbs_server.models import CopyState


class SnapshotOut(BaseModel):
    id: UUID
    dataset_id: UUID
    job_id: UUID
    job_name: str
    agent_id: UUID
    agent_name: str
    run_id: UUID
    taken_at: datetime
    hostname: str
    paths: list[str]
    files: int
    size_bytes: int
    added_bytes: int
    complete: bool
    """False: some files could not be read; see the run's warnings."""
    forgotten_at: datetime | None


class SnapshotCopyOut(BaseModel):
    """Where a snapshot lies."""

    repository_id: UUID
    repository_name: str
    restic_repository_id: UUID
    restic_snapshot_id: str
    state: CopyState
    forgotten_at: datetime | None


class SnapshotDetail(SnapshotOut):
    copies: list[SnapshotCopyOut]


class FileEntry(BaseModel):
    """One entry of a folder."""

    name: str
    path: str
    type: Literal["file", "dir", "symlink", "dev", "chardev", "fifo", "socket", "irregular"]
    size_bytes: int | None
    modified_at: datetime | None
    mode: str
    """Permission bits in octal, such as 0644."""
    addressable: bool
    """False: not UTF-8 (shown with U+FFFD), so it can't be asked for by this name; restore its folder instead."""
