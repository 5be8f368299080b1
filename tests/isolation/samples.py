"""Values for requests. An operation that is new needs an entry here only if it brings a word that is new."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from sbs_server.kit.db.base import Model
from sbs_server.kit.ids import new_id
from sbs_server.testing.rows import Filled, Given

# Names of ids (parameters, and fields of bodies) that are not simply those of a table with `_id` behind.
TABLES: Mapping[str, str] = {"token_id": "enrolment_token"}

# Texts that are required, by name.
TEXTS: Mapping[str, object] = {
    "sources": "/srv/documents",
    "target_folder": "/srv/restored",
    "cron": "0 1 * * *",
    "time_zone": "Europe/Berlin",
}

# Values that some operation needs for succeeding when the owner calls it.
GIVEN: Mapping[str, Given] = {
    "runs_events": {"run": {"state": "succeeded"}},  # else the stream does not end
}
# Where other rows would be in the way: only these tables, and what they point at.
ONLY: Mapping[str, Collection[str]] = {"repositories_delete": {"repository"}}  # one that is in use stays


def id_of(name: str, filled: Filled, operation: str) -> str:
    """The id of that name among the rows of an organization."""
    word = name.removesuffix("_ids").removesuffix("_id")
    table = TABLES.get(name, TABLES.get(f"{word}_id", word))
    if table not in Model.metadata.tables:
        raise LookupError(
            f"{operation}: which table's id is {name!r}? Say it in tests/isolation/samples.py, in TABLES"
        )
    if table not in filled.rows:
        raise LookupError(f"{operation}: needs a row of {table!r}: see ONLY in tests/isolation/samples.py")
    return str(filled.rows[table]["id" if "id" in filled.rows[table] else "run_id"])


def text_of(name: str, operation: str, further: Mapping[str, object]) -> Any:
    """A text that is required under that name."""
    if name == "name":
        return f"name-{new_id().hex}"
    known = {**TEXTS, **further}
    if name not in known:
        raise LookupError(
            f"{operation}: what would be good for {name!r}? Say it in tests/isolation/samples.py, in TEXTS"
        )
    return known[name]


def new_folder(root: Path) -> str:
    """A folder that a repository could take."""
    return str(root / f"taken-{new_id().hex}")
