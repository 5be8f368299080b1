"""`sbs repositories`: places for backups."""

from typing import Annotated

import typer

from sbs_server.cli.commands.options import AsJson, SessionFile, Yes, client, confirm, one_line
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
    show_one(api.get(f"/repositories/{api.id_of('/repositories', repository)}"), as_json=as_json)


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


@app.command()
@one_line
def rename(
    repository: str,
    name: Annotated[str, typer.Argument(help="Its new name.")],
    as_json: AsJson = False,
    session_path: SessionFile = None,
) -> None:
    """Give a repository another name. Its place never changes."""
    api = client(session_path)
    path = f"/repositories/{api.id_of('/repositories', repository)}"
    show_one(api.patch(path, {"name": name}), as_json=as_json)


@app.command()
@one_line
def delete(repository: str, yes: Yes = False, session_path: SessionFile = None) -> None:
    """Forget a repository that no job uses and that holds no snapshots. Its files stay where they are."""
    api = client(session_path)
    found = api.find("/repositories", repository)
    confirm(f"Forget the repository {found['name']}?", yes=yes)
    api.delete(f"/repositories/{found['id']}")
    typer.echo(f"Forgotten: {found['name']}. Its files stay in {found['path']}.", err=True)
