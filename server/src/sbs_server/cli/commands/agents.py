"""`sbs agents`: the machines."""

from typing import Annotated

import typer

from sbs_server.cli.commands.options import AsJson, SessionFile, client, one_line
from sbs_server.cli.output import show, show_one

app = typer.Typer(help="Machines that are backed up.", no_args_is_help=True)
_COLUMNS = ("id", "name", "state", "connected", "last_seen_at", "os", "agent_version", "restic_version")


@app.command("list")
@one_line
def list_(as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """All agents."""
    show(client(session_path).items("/agents"), _COLUMNS, as_json=as_json)


@app.command("show")
@one_line
def show_agent(agent: str, as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """One agent, by name or id."""
    show_one(client(session_path).find("/agents", agent), as_json=as_json)


@app.command()
@one_line
def revoke(
    agent: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
    session_path: SessionFile = None,
) -> None:
    """Take an agent's access away, at once and for good."""
    api = client(session_path)
    found = api.find("/agents", agent)
    if not yes:
        typer.confirm(f"Revoke {found['name']}? It must be enrolled anew to come back", abort=True, err=True)
    show_one(api.post(f"/agents/{found['id']}/revoke"), as_json=as_json)


@app.command()
@one_line
def token(
    name: Annotated[str, typer.Option(help="What the token is for.")],
    hours: Annotated[int, typer.Option(min=1, max=720, help="How long it is good for.")] = 24,
    uses: Annotated[int, typer.Option(min=1, help="How many machines may use it.")] = 1,
    as_json: AsJson = False,
    session_path: SessionFile = None,
) -> None:
    """Make an enrolment token; it is shown this one time."""
    body = {"name": name, "expires_in_s": hours * 3600, "max_uses": uses}
    made = client(session_path).post("/enrolment-tokens", body)
    if as_json:
        show_one(made, as_json=True)
        return
    typer.echo(f"Token (shown only now): {made['token']}")
    typer.echo(f"On the machine:         {made['command']}")
