"""Shapes of agents and enrolment tokens."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from sbs_protocol.enrolment import EnrolRequest, RenewRequest, SecretsRequest
from sbs_server.kit.http.inputs import Input, Name, printable
from sbs_server.models import AgentState
from sbs_server.runs.last import LastRun

DAY_S = 24 * 3600
LONGEST_TOKEN_LIFE_S = 30 * DAY_S


class TokenState(StrEnum):
    USABLE = "usable"
    USED = "used"
    EXPIRED = "expired"
    REVOKED = "revoked"


class AgentSort(StrEnum):
    """`last_seen`: agents that were never connected come last. A minus turns the order around."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    NAME = "name"
    NAME_DOWN = "-name"
    LAST_SEEN = "-last_seen_at"
    LAST_SEEN_UP = "last_seen_at"


class EnrolmentTokenCreate(Input):
    name: Name
    expires_in_s: Annotated[int, Field(strict=True, ge=60, le=LONGEST_TOKEN_LIFE_S)] = DAY_S
    max_uses: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 1


class EnrolmentTokenOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    state: TokenState
    expires_at: datetime
    max_uses: int
    used_count: int
    revoked_at: datetime | None
    created_by: UUID | None
    created_at: datetime


class EnrolmentTokenCreated(EnrolmentTokenOut):
    """The only answer with the token itself. Repeated with the same Idempotency-Key it has null in its place."""

    token: str | None
    command: str | None
    """What to run on the machine. It asks for the token: an argument would be seen by every user there."""


class AgentRename(Input):
    name: Name


class AgentOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    hostname: str
    os: str
    os_version: str
    arch: str
    agent_version: str
    protocol_version: int
    restic_version: str | None
    restic_problem: str | None
    capabilities: list[str]
    state: AgentState
    connected: bool
    last_seen_at: datetime | None
    revoked_at: datetime | None
    certificate_not_after: datetime | None = None
    last_backup: LastRun | None = None
    """Its newest backup, also one that waits or runs."""
    version: int
    created_at: datetime
    updated_at: datetime


def _line(longest: int) -> object:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=longest)


_Word = Annotated[str, _line(64), AfterValidator(printable)]
_Csr = Annotated[str, StringConstraints(max_length=16 * 1024)]


class EnrolIn(EnrolRequest):
    """What an agent sends, within bounds. Unknown fields are ignored on the wire: a newer agent may add some."""

    token: Annotated[str, StringConstraints(max_length=256)] = Field(repr=False)
    csr_pem: _Csr
    protocol: Annotated[int, Field(strict=True)]
    hostname: Annotated[str, _line(253), AfterValidator(printable)]
    os: _Word
    arch: _Word
    agent_version: _Word


class RenewIn(RenewRequest):
    csr_pem: _Csr


class SecretsIn(SecretsRequest):
    command_id: Annotated[str, StringConstraints(max_length=128)]
