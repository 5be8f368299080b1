"""Making changes and progress of what is on the bus."""

import json
from uuid import UUID

import structlog
from pydantic import ValidationError

from sbs_server.changes.schemas import Change, ChangedKind, RunProgress

log = structlog.get_logger()

# A restic repository is shown as a part of its repository.
_SHOWN_AS = {"restic_repository": ChangedKind.REPOSITORY}


def change_of(data: bytes) -> Change | None:
    """The change that a CloudEvent tells of; None: it is about nothing that is shown."""
    try:
        event = json.loads(data)
        subject, _, rest = str(event["type"]).partition(".")
        facts = {name: value for name, value in event["data"].items() if value is not None}
        return _change(subject, rest.partition(".")[0], facts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("domain_event_unreadable", reason=type(error).__name__)
        return None


def _change(subject: str, what: str, facts: dict[str, str]) -> Change | None:
    kind = _SHOWN_AS.get(subject, subject)
    if kind == "run" and "run_id" not in facts:  # a slot that was passed over: there is no run
        kind = "job"
    if kind not in set(ChangedKind) or f"{kind}_id" not in facts:
        return None
    related = {
        name: UUID(hex=facts[name])
        for name in ("job_id", "agent_id", "repository_id", "run_id")
        if name in facts and name != f"{kind}_id"
    }
    return Change(
        kind=ChangedKind(kind),
        id=UUID(hex=facts[f"{kind}_id"]),
        what=what,
        state=facts.get("state"),
        **related,
    )


def as_progress(data: bytes) -> RunProgress | None:
    """A run's progress; None: it is none."""
    try:
        return RunProgress.model_validate_json(data)
    except ValidationError:
        log.warning("live_progress_unreadable")
        return None
