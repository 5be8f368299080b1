"""`sbs-agent`: the command line of the agent. One line and an exit code for each error, never a traceback."""

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from sbs_agent import __version__, logs, service, status_view
from sbs_agent import enrol as enrolment
from sbs_agent.config import ENROL_TOKEN_VARIABLE, STATE_DIRECTORY_VARIABLE, StateDirectory
from sbs_agent.doctor import checks
from sbs_agent.errors import AgentError, TokenError
from sbs_agent.platform import platform

app = typer.Typer(
    name="sbs-agent",
    help="Backs this machine up on the orders of an SBS control plane, and restores it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
service_app = typer.Typer(help="Start the agent with the system.", no_args_is_help=True)
app.add_typer(service_app, name="service")

StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state-dir", envvar=STATE_DIRECTORY_VARIABLE, help="Where the agent keeps its identity and journal."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command()
def enrol(
    server: Annotated[str, typer.Argument(help="The control plane: host, host:port or https://host:port.")],
    token_file: Annotated[
        str | None,
        typer.Option(
            help=f"File with the token; - reads stdin. Without it: {ENROL_TOKEN_VARIABLE}, then a prompt."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the identity this machine already has.")
    ] = False,
    state_dir: StateOption = None,
) -> None:
    """Enrol this machine with a one-time token. (A token on the command line would be seen by every user.)"""
    state = StateDirectory.locate(state_dir)
    token = enrolment.parse_token(_token_text(token_file))
    identity = asyncio.run(enrolment.enrol(state, server, token, force=force))
    typer.echo(f"Enrolled to {identity.server_url} as agent {identity.agent_id.hex}. State: {state.path}")


@app.command()
def run(
    log: Annotated[logs.Style, typer.Option(help="Log style.")] = logs.Style.CONSOLE,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log details too.")] = False,
    state_dir: StateOption = None,
) -> None:
    """Run in the foreground until SIGTERM or Ctrl+C."""
    logs.configure(log, logging.DEBUG if verbose else logging.INFO)
    asyncio.run(service.run(StateDirectory.locate(state_dir), os.getpid()))


@app.command()
def status(as_json: JsonOption = False, state_dir: StateOption = None) -> None:
    """Show whether the agent is online, what it does, and how its last commands ended."""
    typer.echo(status_view.show(StateDirectory.locate(state_dir), as_json=as_json))


@app.command()
def doctor(as_json: JsonOption = False, state_dir: StateOption = None) -> None:
    """Check everything the agent needs, one by one; exit code 1 if something is wrong."""
    report = asyncio.run(checks.examine(StateDirectory.locate(state_dir)))
    typer.echo(report.as_json() if as_json else report.as_text())
    raise typer.Exit(0 if report.ok else 1)


@app.command()
def version() -> None:
    """Show the version."""
    typer.echo(f"sbs-agent {__version__}")


@service_app.command("install")
def service_install(state_dir: StateOption = None) -> None:
    """Make the agent start with the system, and start it now."""
    _say(platform.install_service(StateDirectory.locate(state_dir).path))


@service_app.command("uninstall")
def service_uninstall() -> None:
    """Stop the agent and forget the service. Its state stays."""
    _say(platform.uninstall_service())


def _say(lines: list[str]) -> None:
    for line in lines:
        typer.echo(line)


def _token_text(token_file: str | None) -> str:
    if token_file == "-":  # noqa: S105 - the usual name of stdin
        return sys.stdin.read(4096)
    if token_file is not None:
        try:
            return Path(token_file).read_text("utf-8")[:4096]
        except (OSError, UnicodeDecodeError) as error:
            raise TokenError(f"the token file {token_file} cannot be read ({error})") from error
    text = os.environ.get(ENROL_TOKEN_VARIABLE)  # env: a secret of this one command; not a setting
    if not text and not sys.stdin.isatty():
        raise TokenError(
            "there is no terminal to ask for the token on",
            f"give --token-file FILE, --token-file - with the token on standard input, or {ENROL_TOKEN_VARIABLE}",
        )
    return text or str(typer.prompt("Enrolment token", hide_input=True))


def main() -> None:
    """Entry point of the script."""
    logs.configure(logs.Style.CONSOLE, logging.ERROR)  # only `run` has more to log than its answer
    try:
        app()
    except AgentError as error:
        typer.echo(f"sbs-agent: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
