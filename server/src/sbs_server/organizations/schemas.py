"""Shapes of organizations."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from sbs_server.kit.http.inputs import Input, Name
from sbs_server.models import Role


class OrganizationCreate(Input):
    name: Name
    become_administrator: bool = False
    """Whether who creates it becomes its first administrator."""


class OrganizationRename(Input):
    name: Name


class OrganizationOut(BaseModel):
    id: UUID
    name: str
    role: Role | None
    """What the caller is to it; null for a platform operator who is no member."""
    version: int
    created_at: datetime
    updated_at: datetime
