"""`sbs agents`: the machines."""

from typing import Annotated

import typer

from sbs_server.cli.commands.options import AsJson, SessionFile, Yes, client, confirm, one_line
from sbs_server.cli.output import Fact, field, fields, known, show, show_one
from sbs_server.cli.telling import in_short
from sbs_server.cli.values import Json, printable, text

app = typer.Typer(help="Machines that are backed up.", no_args_is_help=True)
tokens = typer.Typer(help="Enrolment tokens that were made.", no_args_is_help=True)
app.add_typer(tokens, name="tokens")
_TOKENS = "/enrolment-tokens"
_COLUMNS = fields("id", "name", "state", "connected", "last_seen_at", "os", "agent_version", "restic_version")
_TOKEN_COLUMNS = fields("id", "name", "state", "used_count", "max_uses", "expires_at", "created_at")


def _system(agent: Json) -> str:
    return printable(" ".join(filter(None, (agent["os"], agent["os_version"], agent["arch"]))))


def _restic(agent: Json) -> str:
    return printable(agent["restic_problem"] or agent["restic_version"] or "not known yet")


def _last_backup(agent: Json) -> str | None:
    return in_short(agent["last_backup"]) if agent["last_backup"] else None


_FACTS = (
    *fields("name", "id", "state", "connected", "last_seen_at", "hostname"),
    known("revoked_at"),
    Fact("system", _system),
    field("agent_version", "agent"),
    Fact("restic", _restic),
    field("certificate_not_after", "certificate until"),
    Fact("last backup", _last_backup),
    Fact("can", lambda agent: text(sorted(agent["capabilities"]))),
    field("created_at", "enrolled at"),
)
_TOKEN_FACTS = (
    *fields("name", "id", "state"),
    Fact("uses", lambda token: f"{token['used_count']} of {token['max_uses']}"),
    *fields("expires_at", "created_at"),
    known("revoked_at"),
)


@app.command("list")
@one_line
def list_(as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """All agents."""
    show(client(session_path).items("/agents"), _COLUMNS, as_json=as_json)


@app.command("show")
@one_line
def show_agent(agent: str, as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """One agent, by name or id."""
    show_one(client(session_path).find("/agents", agent), _FACTS, as_json=as_json)


@app.command()
@one_line
def rename(
    agent: str,
    name: Annotated[str, typer.Argument(help="Its new name.")],
    as_json: AsJson = False,
    session_path: SessionFile = None,
) -> None:
    """Give an agent another name."""
    api = client(session_path)
    show_one(api.patch(api.place("/agents", agent), {"name": name}), _FACTS, as_json=as_json)


@app.command()
@one_line
def revoke(
    agent: str,
    yes: Yes = False,
    as_json: AsJson = False,
    session_path: SessionFile = None,
) -> None:
    """Take an agent's access away, at once and for good."""
    api = client(session_path)
    found = api.find("/agents", agent)
    confirm(f"Revoke {found['name']}? It must be enrolled anew to come back", yes=yes)
    show_one(api.post(f"/agents/{found['id']}/revoke"), _FACTS, as_json=as_json)


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
        show_one(made, _TOKEN_FACTS, as_json=True)
        return
    typer.echo(f"Token (shown only now): {made['token']}")
    typer.echo(f"On the machine:         {made['command']}")


@tokens.command("list")
@one_line
def list_tokens(as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """All enrolment tokens, newest first. The tokens themselves are shown only when they are made."""
    show(client(session_path).items(_TOKENS), _TOKEN_COLUMNS, as_json=as_json)


@tokens.command("revoke")
@one_line
def revoke_token(token: str, as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """Make a token useless. Machines that have used it stay enrolled."""
    api = client(session_path)
    show_one(api.post(f"{api.place(_TOKENS, token)}/revoke"), _TOKEN_FACTS, as_json=as_json)
