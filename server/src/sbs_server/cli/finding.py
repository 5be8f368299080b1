"""From what a person types to the one thing that is meant: a name, an id, or the beginning of an id."""

import re
from collections.abc import Iterable
from uuid import UUID

from sbs_server.cli.errors import UsageError
from sbs_server.cli.values import Json, text

SHORTEST_PREFIX = 6
_PREFIX = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},32}}")
_LISTS = {"enrolment-tokens": "agents tokens"}
_SHOWN = 5
_TELLING = ("job_name", "agent_name", "name", "hostname", "state", "taken_at", "started_at")


def whole_id(wanted: str) -> str | None:
    """`wanted` as the API writes ids, if it is a whole one."""
    try:
        return str(UUID(wanted)) if len(wanted.replace("-", "")) == 32 else None
    except ValueError:
        return None


def choose(path: str, items: Iterable[Json], wanted: str) -> Json:
    """The item of the list `path` that has this name, or whose id begins like this.

    A name comes before an id, and of several with one name the one that is not revoked is meant. Errors: UsageError,
    which names the candidates.
    """
    named, begun = [], []
    digits = wanted.replace("-", "").lower()
    is_prefix = _PREFIX.fullmatch(digits) is not None
    for item in items:
        if item.get("name") == wanted:
            named.append(item)
        elif is_prefix and item["id"].replace("-", "").startswith(digits):
            begun.append(item)
    found = named or begun
    living = [item for item in found if item.get("state") != "revoked"]
    if len(found) > 1 and len(living) == 1:
        return living[0]
    if len(found) != 1:
        raise UsageError(_none(path, wanted) if not found else _several(path, found, wanted))
    return found[0]


def _none(path: str, wanted: str) -> str:
    what = path.strip("/")
    ways = f"an id, or at least the first {SHORTEST_PREFIX} digits of one"
    if what not in {"runs", "snapshots"}:
        ways = f"a name, {ways}"
    return (
        f"none of the {what} matches {wanted!r}: give {ways}; `sbs {_LISTS.get(what, what)} list` shows them"
    )


def _several(path: str, found: list[Json], wanted: str) -> str:
    shown = "; ".join(_candidate(item) for item in found[:_SHOWN])
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{len(found)} of the {path.strip('/')} match {wanted!r}: give more of the id: {shown}{more}"


def _candidate(item: Json) -> str:
    told = [text(item[name], name) for name in _TELLING if item.get(name)]
    return f"{item['id']} ({', '.join(told)})" if told else str(item["id"])
