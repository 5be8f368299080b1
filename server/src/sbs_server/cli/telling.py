"""A run in words: why it waits, why it failed, what it has done."""

import re
from collections.abc import Sequence

from sbs_server.cli.output import Fact, field, fields, known
from sbs_server.cli.values import Json, between, counted, moment, printable, size, spaced, text

_SAME, _FEW = 0.7, 4
"""A text of at least four words, of which this share is in another one, says nothing new beside it."""
_WARNINGS = {
    "unreadable": "not readable",
    "vanished": "not there",
    "changed": "changed while it was read",
    "restore_failed": "not restored",
    "left_out": "left out: its place is taken",
    "owner_lost": "owner not restored",
    "other": "other",
}


def state(run: Json) -> str:
    return spaced(run["state"])


def why_it_waits(wait: Json | None) -> str | None:
    """One line; None when it does not wait."""
    if wait is None:
        return None
    if 0 in (wait.get("queue_position"), wait.get("queue_length")):
        return "its turn has come"  # it was let in while somebody counted the queue
    again = f" Next attempt: {moment(wait['retry_at'])}." if wait.get("retry_at") else ""
    return explained(wait) + again


def explained(said: Json) -> str:
    """A text of the API with what would be right."""
    return _sentences(f"{said['message']} {said.get('hint') or ''}")


def in_short(run: Json) -> str:
    """A run as other things refer to it."""
    return f"{state(run)}, {moment(run['created_at'])} (run {run['id']})"


def error(said: Json | None) -> list[str] | None:
    """`code: what is wrong and what would be right`; below it what was reported, unless that says the same again."""
    if said is None:
        return None
    message, hint, detail = said["message"], said.get("hint"), said.get("detail")
    if detail and repeats(message, detail):  # the same, with its particulars
        hint = None if hint is None or repeats(hint, detail) else hint
        return [f"{said['code']}: {_sentences(detail)}", *([_sentences(hint)] if hint else ())]
    lines = [f"{said['code']}: {explained(said)}"]
    if detail and not repeats(detail, lines[0]):
        lines.append(f"detail: {_sentences(detail)}")
    return lines


def repeats(part: str, whole: str) -> bool:
    """Whether `whole` has said already what `part` says. Very short texts say too little to tell."""
    wanted, there = set(_words(part)), set(_words(whole))
    enough = len(wanted) >= _FEW and len(wanted & there) >= _SAME * len(wanted)
    return enough or wanted == there


def _words(said: str) -> list[str]:
    return re.findall(r"\w+", said.casefold())


def _sentences(said: str) -> str:
    """On one line, without a sentence that only repeats the one before it."""
    kept: list[str] = []
    for sentence in re.split(r"(?<=[.!?:;]) +", " ".join(said.split())):
        if not kept or _words(sentence) != _words(kept[-1]):
            kept.append(sentence)
    return printable(" ".join(kept))


def warnings(run: Json) -> str:
    total = run["warnings_total"]
    return f"{total}; `sbs runs warnings {run['id']}` lists them" if total else "none"


def took(run: Json) -> str | None:
    return between(run["started_at"], run["finished_at"])


def done(result: Json) -> str | None:
    """What an agent reported of one backup or restore; None: nothing."""
    if "bytes_processed" in result:
        return backed_up(result)
    return restored_files(result) if "files_restored" in result else None


def backed_up(result: Json) -> str:
    new, changed = result.get("files_new", 0), result.get("files_changed", 0)
    files = counted(new + changed + result.get("files_unmodified", 0), "file")
    read, added = size(result["bytes_processed"]), size(result.get("bytes_added", 0))
    return f"{files} ({new} new, {changed} changed), {read}; {added} added"


def restored_files(result: Json) -> str:
    """How many files are at their place, and how many bytes that was."""
    counts = ", ".join(
        f"{result.get(f'files_{what}', 0)} {what}" for what in ("restored", "skipped", "failed")
    )
    return f"{counts}; {size(result.get('bytes_restored', 0))} written"


def verified(result: Json) -> str | None:
    if "files_restored" not in result:
        return None
    count = result.get("files_verified")
    return (
        "no: it was not asked for" if count is None else f"{counted(count, 'file')} read back and found right"
    )


def owners(result: Json) -> str | None:
    count = result.get("owners_not_restored")
    return (
        f"{count} files and folders belong to the agent's account instead of their owner" if count else None
    )


def warning(said: Json) -> str:
    """What happened to a file; a newer agent may know more."""
    return _WARNINGS.get(said["code"], spaced(said["code"]))


def renamed(result: Json) -> str | None:
    """Of keep both: the names may be many, so their number and the first one."""
    names = result.get("renamed")
    return f"{len(names)} got a suffix, such as {text(names[0]['text'])}" if names else None


def targets(run: Json) -> list[str]:
    """A line for each repository; an error only where it is another one than the run's."""
    return [line for target in run["targets"] for line in _target(target, run)]


def _target(target: Json, run: Json) -> list[str]:
    snapshot = target["restic_snapshot_id"]
    told = [
        state(target),
        done(target["result"]),
        f"restic snapshot {snapshot[:8]}" if snapshot else None,
    ]
    first = f"{printable(target['repository_name'])}: {'; '.join(one for one in told if one)}"
    return [first, *(_own_error(target, run) or ())]


def _attempts(run: Json) -> list[str] | None:
    """Of runs that needed more than one."""
    names = {target["restic_repository_id"]: target["repository_name"] for target in run["targets"]}
    if len(run["attempts"]) <= len(names):
        return None
    return [line for one in run["attempts"] for line in _attempt(one, names, run)]


def _attempt(one: Json, names: dict[str, str], run: Json) -> Sequence[str]:
    where = printable(names.get(one["restic_repository_id"], "-"))
    spent = between(one["started_at"], one["finished_at"])
    after = f" after {spent}" if spent else ""
    return [f"{one['attempt']}, {where}: {spaced(one['result'])}{after}", *(_own_error(one, run) or ())]


def _own_error(part: Json, run: Json) -> list[str] | None:
    return None if part["error"] == run["error"] else error(part["error"])


def _named(run: Json, what: str) -> str | None:
    if run[f"{what}_id"] is None:
        return None
    return f"{text(run[f'{what}_name'])} ({run[f'{what}_id']})"


RESTORED = (
    Fact("verified", lambda run: verified(run["result"])),
    Fact("owners", lambda run: owners(run["result"])),
    Fact("renamed", lambda run: renamed(run["result"])),
)

COLUMNS = (
    *fields("id", "kind"),
    field("job_name", "job"),
    field("agent_name", "agent"),
    Fact("state", state),
    *fields("trigger", "started_at", "finished_at"),
    field("warnings_total", "warnings"),
)

FACTS = (
    *fields("id", "kind"),
    Fact("state", state),
    Fact("waits", lambda run: why_it_waits(run["wait"])),
    Fact("error", lambda run: error(run["error"])),
    Fact("job", lambda run: _named(run, "job")),
    Fact("agent", lambda run: _named(run, "agent")),
    field("trigger"),
    known("scheduled_for"),
    field("created_at", "asked for at"),
    *fields("started_at", "finished_at"),
    Fact("took", took),
    known("cancel_requested_at", "asked to stop at"),
    Fact("warnings", warnings),
    known("snapshot_id", "snapshot"),
    Fact("repositories", targets),
    Fact("attempts", _attempts),
    *RESTORED,
)
