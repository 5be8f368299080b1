"""`sbs repositories`: places for backups."""

from typing import Annotated

import typer

from sbs_server.cli.commands.options import AsJson, SessionFile, Yes, client, confirm, one_line
from sbs_server.cli.output import Fact, field, fields, show, show_one
from sbs_server.cli.telling import explained
from sbs_server.cli.values import Json, printable, size, spaced

app = typer.Typer(help="Places for backups.", no_args_is_help=True)
_LAYOUT = Fact("layout", lambda repository: spaced(repository["layout"]))
_COLUMNS = (*fields("id", "name", "kind"), _LAYOUT, field("path"))


def _space(repository: Json) -> str:
    free, total = repository["free_bytes"], repository["total_bytes"]
    return "not known" if free is None or total is None else f"{size(free)} free of {size(total)}"


def _problem(repository: Json) -> str | None:
    return explained(repository["problem"]) if repository["problem"] else None


def _restic_repositories(repository: Json) -> list[str] | None:
    if "restic_repositories" not in repository:
        return None  # not every answer has them
    return [_restic_repository(one) for one in repository["restic_repositories"]]


def _restic_repository(one: Json) -> str:
    why = f" ({one['state_reason']})" if one["state_reason"] else ""
    return printable(f"{one['agent_name'] or 'no agent'}: {spaced(one['state'])}{why}, {one['path']}")


_FACTS = (
    *fields("name", "id", "kind"),
    _LAYOUT,
    field("path"),
    Fact("problem", _problem),
    Fact("space", _space),
    *fields("snapshots", "created_at"),
    Fact("restic repositories", _restic_repositories),
)


@app.command("list")
@one_line
def list_(as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """All repositories."""
    show(client(session_path).items("/repositories"), _COLUMNS, as_json=as_json)


@app.command("show")
@one_line
def show_repository(repository: str, as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """One repository, with its restic repositories and the space left."""
    api = client(session_path)
    show_one(api.get(api.place("/repositories", repository)), _FACTS, as_json=as_json)


@app.command()
@one_line
def create(
    name: str,
    path: Annotated[str, typer.Option(help="Folder on the control plane, below a storage root.")],
    as_json: AsJson = False,
    session_path: SessionFile = None,
) -> None:
    """Make a repository in a local folder of the control plane; it is tested first."""
    made = client(session_path).post("/repositories", {"name": name, "path": path})
    show_one(made, _FACTS, as_json=as_json)


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
    changed = api.patch(api.place("/repositories", repository), {"name": name})
    show_one(changed, _FACTS, as_json=as_json)


@app.command()
@one_line
def delete(repository: str, yes: Yes = False, session_path: SessionFile = None) -> None:
    """Forget a repository that no job uses and that holds no snapshots. Its files stay where they are."""
    api = client(session_path)
    found = api.find("/repositories", repository)
    confirm(f"Forget the repository {found['name']}?", yes=yes)
    api.delete(f"/repositories/{found['id']}")
    typer.echo(f"Forgotten: {found['name']}. Its files stay in {found['path']}.", err=True)
