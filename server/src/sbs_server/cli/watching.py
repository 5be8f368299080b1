"""Following a run to its end."""

import sys
from typing import Any

import typer

from sbs_server.cli.client import Client
from sbs_server.cli.errors import INTERRUPTED, RUN_EXIT_CODES, UnreachableError
from sbs_server.cli.output import show_one, size

Json = dict[str, Any]
_BREAKS = 10


def watch(client: Client, run_id: str, *, as_json: bool) -> int:
    """Shows progress until the run has ended; gives back the exit code that stands for its state."""
    try:
        run = _follow(client, run_id, quiet=as_json)
    except KeyboardInterrupt as error:
        clear = "\r\x1b[K" if sys.stderr.isatty() else ""
        typer.echo(
            f"{clear}sbs: run {run_id} goes on: `sbs runs watch {run_id}` follows it again, "
            f"`sbs runs cancel {run_id}` stops it",
            err=True,
        )
        raise typer.Exit(INTERRUPTED) from error
    show_one(run if as_json else _summary(run), as_json=as_json)
    return RUN_EXIT_CODES[run["state"]]


def _follow(client: Client, run_id: str, *, quiet: bool) -> Json:
    """The live view may break off (a restart of the platform): the run's own state decides."""
    for _ in range(_BREAKS):
        try:
            for event, data in client.events(f"/runs/{run_id}/events"):
                if quiet:
                    continue
                if event == "progress":
                    _progress(data)
                elif event == "run":
                    _state(data)
        except UnreachableError as error:
            typer.echo(f"sbs: {error}", err=True)
        run = client.get(f"/runs/{run_id}")
        if run["state"] in RUN_EXIT_CODES:
            return run
    raise UnreachableError("the live view broke off again and again; look later with `sbs runs show`")


def _state(run: Json) -> None:
    """The run's state, and while it waits why: a silent terminal looks like a hang."""
    wait = run.get("wait")
    why = f": {wait['message']} {wait.get('hint') or ''}".rstrip() if wait else ""
    typer.echo(f"run {run['id']} {run['state']}{why}", err=True)


def _progress(data: Json) -> None:
    total = data.get("bytes_total")
    of = f" of {size(total)}" if total else ""
    left = data.get("seconds_left")
    time_left = f", {left:.0f} s left" if left is not None else ""
    line = f"{data['phase']}: {data['files_done']} files, {size(data['bytes_done'])}{of}{time_left}"
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{line}")
        sys.stderr.flush()


def _summary(run: Json) -> Json:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    names = (
        "id",
        "kind",
        "state",
        "started_at",
        "finished_at",
        "warnings_total",
    )
    error = run["error"]
    reason = (
        None if error is None else f"{error['code']}: {error['message']} {error['detail'] or ''}".rstrip()
    )
    return {**{name: run[name] for name in names}, "error": reason}
