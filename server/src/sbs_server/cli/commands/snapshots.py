"""`sbs snapshots`: points in time and what is in them."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from sbs_server.cli.commands.options import AsJson, Limit, SessionFile, client, one_line
from sbs_server.cli.errors import UsageError
from sbs_server.cli.output import show, show_one

app = typer.Typer(help="Points in time, and what is in them.", no_args_is_help=True)
_COLUMNS = ("id", "taken_at", "hostname", "files", "size_bytes", "added_bytes", "complete")


@app.command("list")
@one_line
def list_(
    agent: Annotated[str, typer.Option(help="Only of this agent (name or id).")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
    session_path: SessionFile = None,
) -> None:
    """Snapshots, newest first."""
    api = client(session_path)
    agent_id = api.id_of("/agents", agent) if agent else None
    show(api.items("/snapshots", limit=limit, agent_id=agent_id), _COLUMNS, as_json=as_json)


@app.command("show")
@one_line
def show_snapshot(snapshot: str, as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """One snapshot, and where its copies are."""
    api = client(session_path)
    show_one(api.get(f"/snapshots/{api.id_of('/snapshots', snapshot)}"), as_json=as_json)


@app.command()
@one_line
def ls(
    snapshot: str,
    path: Annotated[str, typer.Argument(help="Absolute path of the folder.")] = "/",
    as_json: AsJson = False,
    session_path: SessionFile = None,
) -> None:
    """A folder of a snapshot."""
    api = client(session_path)
    rows = api.items(f"/snapshots/{api.id_of('/snapshots', snapshot)}/files", path=path)
    show(rows, ("name", "type", "mode", "size_bytes", "modified_at"), as_json=as_json)


@app.command()
@one_line
def download(
    snapshot: str,
    path: str,
    output: Annotated[str, typer.Option("--output", "-o", help="Where to; - is standard output.")],
    session_path: SessionFile = None,
) -> None:
    """A file of a snapshot. An existing file is not overwritten."""
    api = client(session_path)
    pieces = api.download(f"/snapshots/{api.id_of('/snapshots', snapshot)}/content", path=path)
    if output == "-":
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        return
    _write(Path(output), pieces)


def _write(target: Path, pieces: Iterable[bytes]) -> None:
    """Whole, or not under its name."""
    partial = target.with_name(target.name + ".part")
    if target.exists():
        raise UsageError(f"{target} exists already: choose another --output")
    try:
        with partial.open("wb") as writer:
            for piece in pieces:
                writer.write(piece)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)
