"""Repositories in the API."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from sbs_server.kit.http.explained import Explained
from sbs_server.kit.http.inputs import Input, Name
from sbs_server.models import RepositoryKind, RepositoryLayout, ResticRepositoryState
from sbs_server.repositories.trials import Step

PathText = Annotated[
    str,
    Field(
        max_length=1024,
        description="Absolute path of a folder below one of the operator's storage roots; new, or empty.",
        examples=["/var/lib/sbs/storage/main"],
    ),
]


class RepositoryCreate(Input):
    name: Name
    kind: RepositoryKind = RepositoryKind.LOCAL
    path: PathText


class RepositoryEdit(Input):
    name: Name


class RepositoryTest(Input):
    kind: RepositoryKind = RepositoryKind.LOCAL
    path: PathText


class TestStep(BaseModel):
    __test__ = False  # not one of pytest's

    step: Step
    ok: bool
    problem: Explained | None = None


class RepositoryTestOut(BaseModel):
    """How far a test came: the steps that were tried, the failed one last."""

    ok: bool
    steps: list[TestStep]
    free_bytes: int | None
    total_bytes: int | None


class RepositorySort(StrEnum):
    """A minus turns the order around."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    NAME = "name"
    NAME_DOWN = "-name"


class StorageRootOut(BaseModel):
    """A folder of the operator's below which repositories may be made."""

    path: str
    free_bytes: int | None
    total_bytes: int | None
    problem: Explained | None
    """Why it can't be used just now."""


class StorageRoots(BaseModel):
    items: list[StorageRootOut]


class ResticRepositoryOut(BaseModel):
    """One repository in restic's sense: one for each agent."""

    id: UUID
    agent_id: UUID | None
    agent_name: str | None
    state: ResticRepositoryState
    state_reason: str | None
    restic_id: str | None
    path: str


class RepositoryOut(BaseModel):
    id: UUID
    name: str
    kind: RepositoryKind
    layout: RepositoryLayout
    path: str
    version: int
    created_at: datetime
    updated_at: datetime
    snapshots: int
    """How many have a copy here."""
    free_bytes: int | None
    total_bytes: int | None
    """Of its disk; null while it is not known."""
    problem: Explained | None
    """Why the storage can't be used just now, for example because its disk is not mounted."""


class RepositoryDetail(RepositoryOut):
    restic_repositories: list[ResticRepositoryOut]
