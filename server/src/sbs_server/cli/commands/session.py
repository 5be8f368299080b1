"""`sbs login`, `logout`, `whoami`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from sbs_server.auth.cookie import SESSION_COOKIE
from sbs_server.cli import session_file
from sbs_server.cli.client import Client, connection, send
from sbs_server.cli.commands.options import AsJson, SessionFile, client, one_line
from sbs_server.cli.errors import CliError, UsageError
from sbs_server.cli.output import fields, show_one
from sbs_server.cli.session_file import Session
from sbs_server.cli.values import Json
from sbs_server.config import ConfigurationError, Settings


def register(app: typer.Typer) -> None:
    for command in (login, logout, whoami):
        app.command(rich_help_panel="Administration")(command)


@one_line
def login(  # noqa: PLR0917 - typer passes options by name
    email: Annotated[str, typer.Option(help="E-mail address of the account.")],
    url: Annotated[str, typer.Option(help="https://host:port (default: the platform on this machine).")] = "",
    ca_file: Annotated[str, typer.Option(help="PEM file that the server's certificate must lead to.")] = "",
    organization: Annotated[str, typer.Option(help="Name or id; needed with more than one.")] = "",
    password_file: Annotated[
        str, typer.Option(help="File with the password, - for standard input (default: ask on the terminal).")
    ] = "",
    session_path: SessionFile = None,
) -> None:
    """Sign in; later commands use this session."""
    url, ca_file = _server(url, ca_file)
    password = _password(password_file)
    http = connection(url, ca_file or None)
    answer = send(http, "POST", "/session", json={"email": email, "password": password})
    said = answer.json()
    chosen = _choose(said["memberships"], organization)
    session = Session(
        url=url,
        ca_file=ca_file or None,
        organization_id=chosen["organization_id"],
        organization_name=chosen["organization_name"],
        email=said["user"]["email"],
        cookie=answer.cookies[SESSION_COOKIE],
        csrf_token=said["csrf_token"],
    )
    session_file.save(session_path or session_file.default_file(), session)
    typer.echo(f"Signed in as {session.email} in {session.organization_name}.")


@one_line
def logout(session_path: SessionFile = None) -> None:
    """End the session here and on the server."""
    file = session_path or session_file.default_file()
    try:
        Client(session_file.load(file)).sign_out()
    finally:
        session_file.forget(file)


@one_line
def whoami(as_json: AsJson = False, session_path: SessionFile = None) -> None:
    """Who is signed in, where."""
    session = client(session_path).session
    show_one(
        {"email": session.email, "organization": session.organization_name, "url": session.url},
        fields("email", "organization", "url"),
        as_json=as_json,
    )


def _server(url: str, ca_file: str) -> tuple[str, str]:
    """The platform on this machine, where nothing else is said."""
    if url:
        return url, ca_file
    try:
        settings = Settings.load()
    except ConfigurationError as error:
        raise UsageError(f"--url is missing, and there is no platform on this machine: {error}") from error
    root = settings.pki.root_certificate
    return settings.http.console_url, ca_file or (str(root) if root.exists() else "")


def _password(source: str) -> str:
    """The password, asked for on a terminal. Raises `UsageError` where there is none and no other way is given."""
    if not source:
        if not sys.stdin.isatty():
            raise UsageError(
                "there is no terminal to ask for the password on: give --password-file FILE, or --password-file - "
                "with the password on standard input"
            )
        return str(typer.prompt("Password", hide_input=True, err=True))
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text("utf-8")
    except OSError as error:
        raise UsageError(f"--password-file {source}: {error.strerror}") from error
    password = text.split("\n", 1)[0].rstrip("\r")
    if not password:
        raise UsageError(f"--password-file {source}: its first line is empty; the password has to be there")
    return password


def _choose(memberships: list[Json], wanted: str) -> Json:
    names = ", ".join(m["organization_name"] for m in memberships) or "none"
    fitting = [
        m for m in memberships if not wanted or wanted in (m["organization_name"], m["organization_id"])
    ]
    if len(fitting) != 1:
        raise CliError(f"choose one with --organization: you belong to {names}")
    return fitting[0]
