"""`sbs-agent status`: what a person at the machine wants to know."""

import json
from datetime import datetime

import psutil
from pydantic import ValidationError

from sbs_agent.config import StateDirectory
from sbs_agent.errors import StateError
from sbs_agent.journal import Entry, Journal
from sbs_agent.keys import utc_now
from sbs_agent.presence import RunningCommand, Status

_LAST_RESULTS = 10


def show(state: StateDirectory, *, as_json: bool) -> str:
    """Text or JSON. Raises `NotEnrolledError`, `StateError`."""
    identity = state.identity()
    status = _read(state)
    results = _results(state)
    if as_json:
        return json.dumps(
            {
                "server": identity.server_url,
                "agent_id": identity.agent_id.hex,
                "organization_id": identity.organization_id.hex,
                "running": status is not None,
                "status": status.model_dump(mode="json") if status else None,
                "results": [_as_dict(entry) for entry in results],
            },
            indent=2,
        )
    lines = [
        f"Enrolled to  {identity.server_url}",
        f"Agent        {identity.agent_id.hex}",
        f"State        {_state(status)}",
    ]
    lines += _section("Now", [_running(c) for c in status.commands] if status else [])
    lines += _section("Last results", [_result(entry) for entry in results])
    return "\n".join(lines)


def _read(state: StateDirectory) -> Status | None:
    """None if no agent runs. status.json outlives a killed agent, so its process is looked for."""
    try:
        status = Status.model_validate_json(state.status_file.read_text("utf-8"))
    except (FileNotFoundError, ValidationError):
        return None
    except OSError as error:
        raise StateError(f"{state.status_file} cannot be read: {error.strerror}", "use sudo") from error
    return status if _alive(status.pid) and status.reason != "stopped" else None


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _results(state: StateDirectory) -> list[Entry]:
    if not state.journal_file.exists():
        return []
    journal = Journal(state.journal_file)
    try:
        return journal.recent(_LAST_RESULTS)
    finally:
        journal.close()


def _state(status: Status | None) -> str:
    if status is None:
        return "the agent is not running (start it: sbs-agent run, or the service)"
    if status.online:
        return f"online since {_time(status.since)}"
    return f"offline since {_time(status.since)}: {status.reason}"


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines or ["nothing"])]


def _running(command: RunningCommand) -> str:
    what = f"{command.kind} since {_time(command.since)}"
    if command.waiting or command.progress is None:
        return f"{what}: waiting for its turn" if command.waiting else f"{what}: starting"
    progress = command.progress
    total = f" of {_size(progress.bytes_total)}" if progress.bytes_total else ""
    left = f", {_duration(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    return f"{what}: {progress.phase}, {progress.files_done} files, {_size(progress.bytes_done)}{total}{left}"


def _result(entry: Entry) -> str:
    outcome = entry.outcome
    if outcome is None:
        return entry.command.body.kind
    why = f": {outcome.problem.message}" if outcome.problem else ""
    warnings = f", {outcome.warnings_total} files with warnings" if outcome.warnings_total else ""
    result = outcome.result.value.replace("_", " ")
    return f"{_time(outcome.finished_at)}  {entry.command.body.kind}  {result}{warnings}{why}"


def _as_dict(entry: Entry) -> dict[str, object]:
    return {
        "kind": entry.command.body.kind,
        "command_id": entry.command.command_id,
        "attempt": entry.command.attempt,
        "outcome": entry.outcome.model_dump(mode="json") if entry.outcome else None,
    }


def _time(at: datetime) -> str:
    ago = _duration((utc_now() - at).total_seconds())
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S} ({ago} ago)"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{rest} s"


def _size(count: int) -> str:
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
