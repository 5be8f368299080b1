"""What is made of the bus's messages."""

import json

import pytest

from sbs_server.changes.reading import as_progress, change_of
from sbs_server.changes.schemas import ChangedKind
from sbs_server.kit.ids import new_id

ONE, OTHER = new_id(), new_id()


def event(kind: str, **data: str | None) -> bytes:
    return json.dumps({"type": kind, "data": data}).encode()


@pytest.mark.parametrize("kind", ["run", "agent", "job", "repository", "snapshot", "enrolment_token"])
def test_event_of_each_kind_names_its_object(kind: str) -> None:
    change = change_of(event(f"{kind}.changed.v1", **{f"{kind}_id": ONE.hex}))
    assert change is not None
    assert (change.kind, change.id, change.what) == (ChangedKind(kind), ONE, "changed")


def test_slot_that_was_passed_over_is_a_change_of_its_job() -> None:
    change = change_of(event("run.skipped.v1", job_id=ONE.hex, agent_id=OTHER.hex))
    assert change is not None
    assert (change.kind, change.id, change.what, change.agent_id) == ("job", ONE, "skipped", OTHER)


def test_restic_repository_is_a_part_of_its_repository() -> None:
    told = event("restic_repository.quarantined.v1", restic_repository_id=OTHER.hex, repository_id=ONE.hex)
    change = change_of(told)
    assert change is not None
    assert (change.kind, change.id, change.what) == ("repository", ONE, "quarantined")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        event("gadget.changed.v1", gadget_id=ONE.hex),
        event("agent.changed.v1", agent_id="x"),
        event("agent.changed.v1", agent_id=None),
        event("agent.changed.v1"),
    ],
)
def test_what_tells_of_no_object_is_no_change(data: bytes) -> None:
    assert change_of(data) is None
    assert as_progress(data) is None
