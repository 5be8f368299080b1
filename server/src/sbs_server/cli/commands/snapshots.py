"""`sbs snapshots`: points in time and what is in them."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from sbs_server.cli.commands.options import AsJson, Limit, SessionFile, client, one_line
from sbs_server.cli.errors import UsageError
from sbs_server.cli.output import Fact, field, fields, known, show, show_one
from sbs_server.cli.values import Json, printable, spaced

app = typer.Typer(help="Points in time, and what is in them.", no_args_is_help=True)
_COLUMNS = (
    *fields("id", "taken_at", "hostname", "files"),
    field("size_bytes", "size"),
    field("added_bytes", "added"),
    field("complete"),
)
_FILE_COLUMNS = (*fields("name", "type", "mode"), field("size_bytes", "size"), field("modified_at"))


def _complete(snapshot: Json) -> str:
    if snapshot["complete"]:
        return "yes"
    return f"no: some files could not be read; `sbs runs warnings {snapshot['run_id']}` lists them"


def _copies(snapshot: Json) -> list[str]:
    return [
        printable(
            f"{copy['repository_name']}: {spaced(copy['state'])}, restic id {copy['restic_snapshot_id']}"
        )
        for copy in snapshot["copies"]
    ]


_FACTS = (
    *fields("id", "taken_at"),
    known("forgotten_at"),
    Fact("job", lambda snapshot: printable(f"{snapshot['job_name']} ({snapshot['job_id']})")),
    Fact("agent", lambda snapshot: printable(f"{snapshot['agent_name']} ({snapshot['agent_id']})")),
    *fields("hostname", "paths", "files"),
    field("size_bytes", "size"),
    field("added_bytes", "added"),
    Fact("complete", _complete),
    field("run_id", "run"),
    Fact("copies", _copies),
)


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
    show_one(api.get(api.place("/snapshots", snapshot)), _FACTS, as_json=as_json)


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
    rows = api.items(f"{api.place('/snapshots', snapshot)}/files", path=path)
    show(rows, _FILE_COLUMNS, as_json=as_json)


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
    pieces = api.download(f"{api.place('/snapshots', snapshot)}/content", path=path)
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
