"""`sbs runs`: what happened, and what is happening."""

from typing import Annotated

import typer

from sbs_server.cli.commands.options import AsJson, Limit, SessionFile, client, one_line
from sbs_server.cli.output import Fact, field, show, show_one
from sbs_server.cli.telling import COLUMNS, FACTS, warning
from sbs_server.cli.watching import watch as follow

app = typer.Typer(help="What happened, and what is happening.", no_args_is_help=True)
_WARNING_COLUMNS = (field("path"), Fact("what happened", warning), field("message"))


@app.command("list")
@one_line
def list_(
    state: Annotated[str | None, typer.Option(help="Only runs in this state.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    session_path: SessionFile = None,
) -> None:
    """Runs, newest first."""
    show(client(session_path).items("/runs", limit=limit, state=state), COLUMNS, as_json=as_json)


@app.command("show")
@one_line
def show_run(run: str, as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """One run: targets, attempts, and why it waits."""
    api = client(session_path)
    show_one(api.get(api.place("/runs", run)), FACTS, as_json=as_json)


@app.command()
@one_line
def watch(run: str, as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """Follow a run to its end. Exit code: 0 succeeded, 3 with warnings or partial, 1 failed, 4 cancelled."""
    api = client(session_path)
    raise typer.Exit(follow(api, api.id_of("/runs", run), as_json=as_json))


@app.command()
@one_line
def warnings(run: str, as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """The files that could not be read or restored, or not as they were, one by one."""
    api = client(session_path)
    show(api.items(f"{api.place('/runs', run)}/warnings"), _WARNING_COLUMNS, as_json=as_json)


@app.command()
@one_line
def cancel(run: str, as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """Ask a run to stop."""
    api = client(session_path)
    show_one(api.post(f"{api.place('/runs', run)}/cancel"), FACTS, as_json=as_json)
