"""`sbs repositories`: places for backups."""

from typing import Annotated

import typer

from sbs_server.cli.commands.options import AsJson, SessionFile, client, one_line
from sbs_server.cli.output import show, show_one

app = typer.Typer(help="Places for backups.", no_args_is_help=True)


@app.command("list")
@one_line
def list_(as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """All repositories."""
    show(
        client(session_path).items("/repositories"), ("id", "name", "kind", "layout", "path"), as_json=as_json
    )


@app.command("show")
@one_line
def show_repository(repository: str, as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """One repository, with its restic repositories and the space left."""
    api = client(session_path)
    found = api.find("/repositories", repository)
    show_one(api.get(f"/repositories/{found['id']}"), as_json=as_json)


@app.command()
@one_line
def create(
    name: str,
    path: Annotated[str, typer.Option(help="Folder on the control plane, below a storage root.")],
    as_json: AsJson = False,
    session_path: SessionFile = None,
) -> None:
    """Make a repository in a local folder of the control plane; it is tested first."""
    show_one(client(session_path).post("/repositories", {"name": name, "path": path}), as_json=as_json)
