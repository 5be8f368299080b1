"""Restores in the API."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from sbs_protocol.commands import ConflictPolicy
from sbs_protocol.paths import WirePath
from sbs_server.kit.http.inputs import Input, printable
from sbs_server.restores.paths import selected_path, target_folder
from sbs_server.runs.schemas import RunDetail

_POLICIES = ", ".join(policy.value for policy in ConflictPolicy)


def _policy(value: Any) -> Any:
    if value not in tuple(ConflictPolicy):  # a tuple: what is sent may not be hashable
        raise PydanticCustomError("restore.policy_required", "no such policy", {"policies": _POLICIES})
    return value


def _need_not_be_sent(schema: dict[str, Any]) -> None:
    """With a default in the schema the client's type would demand it of those who know nothing of it."""
    del schema["default"]


SelectedPath = Annotated[WirePath, BeforeValidator(selected_path)]
TargetFolder = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4096),
    AfterValidator(printable),
    AfterValidator(target_folder),
]


class RestoreCreate(Input):
    snapshot_id: UUID
    agent_id: UUID
    selection: Annotated[list[SelectedPath], Field(max_length=10_000)] = []
    """Absolute paths in the snapshot, as text or as {text, raw}; empty: all of it."""
    target_folder: TargetFolder
    policy: Annotated[ConflictPolicy, BeforeValidator(_policy)]
    """What to do with a file that is already there. There is no default: it is the user's decision."""
    verify: bool = True
    from_other_agent: Annotated[bool, Field(json_schema_extra=_need_not_be_sent)] = False
    """Must be true for a snapshot of another agent, and only an administrator may say it: while it restores, this
    agent reads the other one's restic repository with that one's key."""

    @model_validator(mode="before")
    @classmethod
    def _ask_for_policy(cls, data: Any) -> Any:
        """A missing policy is explained like a wrong one: by naming those there are."""
        return {"policy": None, **data} if isinstance(data, dict) else data


class RestoreOut(BaseModel):
    run: RunDetail
    snapshot_id: UUID
    selection: list[WirePath]
    target_folder: str
    policy: ConflictPolicy
    verify: bool
