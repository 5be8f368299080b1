"""What the commands share: options, and errors as one line with an exit code."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ParamSpec, TypeVar

import typer

from sbs_server.cli import session_file
from sbs_server.cli.client import Client
from sbs_server.cli.errors import CliError, UsageError

P = ParamSpec("P")
R = TypeVar("R")

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
SessionFile = Annotated[
    Path | None,
    typer.Option("--session-file", help="Where the session is kept (default: the user's config folder)."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Limit = Annotated[int, typer.Option(min=1, help="How many at most, newest first.")]


def client(file: Path | None) -> Client:
    return Client(session_file.load(file or session_file.default_file()))


def confirm(question: str, *, yes: bool) -> None:
    """Ends the command unless the answer is yes, or `yes` was given."""
    if not yes:
        typer.confirm(question, abort=True, err=True)


def one_line(command: Callable[P, R]) -> Callable[P, R]:
    """Errors of ours become one line on standard error and their exit code."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except CliError as error:
            typer.echo(f"sbs: {error}", err=True)
            raise typer.Exit(error.exit_code) from error
        except UnicodeError as error:
            typer.echo("sbs: a name or file given is not UTF-8 text; the API takes UTF-8 only", err=True)
            raise typer.Exit(UsageError.exit_code) from error
        except BrokenPipeError:
            raise  # whoever reads has seen enough (`| head`): typer ends without a word
        except OSError as error:
            typer.echo(f"sbs: {error.filename or 'a file'}: {error.strerror}", err=True)
            raise typer.Exit(CliError.exit_code) from error

    return run
