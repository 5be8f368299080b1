"""A job as people read it."""

from sbs_server.cli.client import Client
from sbs_server.cli.errors import CliError
from sbs_server.cli.output import Fact, field, fields, known, show_one
from sbs_server.cli.schedule import retention, schedule
from sbs_server.cli.telling import explained, in_short
from sbs_server.cli.values import Json, moment, text

_NAMED = 20
"""So many agents are named; a call for each of a thousand would take its time."""


def show_job(api: Client, job: Json, *, as_json: bool) -> None:
    """One job: as the API gave it, or in words, with the names of its agents and repositories."""
    names = {} if as_json else {kind: _names(api, kind, job) for kind in ("agent", "repository")}
    facts = (
        *_BEGINNING,
        Fact("agents", lambda _: names["agent"]),
        Fact("repositories", lambda _: names["repository"]),
        *_END,
    )
    show_one(job, facts, as_json=as_json)


def _names(api: Client, kind: str, job: Json) -> list[str]:
    path = {"agent": "/agents", "repository": "/repositories"}[kind]
    ids = job[f"{kind}_ids"]
    told = [_name(api, path, one) for one in ids[:_NAMED]]
    left = len(ids) - len(told)
    return [*told, f"and {left} more (--json has all)"] if left else told


def _name(api: Client, path: str, identity: str) -> str:
    try:
        return f"{text(api.get(f'{path}/{identity}')['name'])} ({identity})"
    except CliError:
        return identity  # what was asked for is done; that a name can't be had must not look like a failure of it


def _last_run(job: Json) -> str:
    return in_short(job["last_run"]) if job["last_run"] else "none yet"


def _next_runs(job: Json) -> list[str]:
    return [moment(at) for at in job["next_runs"]] or ["none"]


def _notes(job: Json) -> list[str] | None:
    return [explained(note) for note in job["schedule_notes"]] or None


COLUMNS = (*fields("id", "name", "sources"), Fact("schedule", schedule), Fact("retention", retention))
_BEGINNING = (
    *fields("name", "id", "sources"),
    Fact("includes", lambda job: [text(mask) for mask in job["includes"]] or "everything"),
    Fact("excludes", lambda job: [text(mask) for mask in job["excludes"]] or "nothing"),
)
_END = (
    Fact("schedule", schedule),
    Fact("next runs", _next_runs),
    Fact("note", _notes),
    known("overdue_since"),
    Fact("retention", retention),
    field("compression"),
    Fact("last run", _last_run),
    *fields("created_at", "updated_at"),
)
