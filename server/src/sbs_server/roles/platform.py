"""`sbs up`, `down`, `status`, `logs`: the platform on one machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from sbs_server.cli.output import print_table
from sbs_server.config import ConfigurationError, Settings
from sbs_server.embedded import logs as log_reading
from sbs_server.embedded import starting, stopping
from sbs_server.embedded.errors import EmbeddedError, StartFailedError
from sbs_server.embedded.status import Row, Status
from sbs_server.embedded.status import status as look

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Data directory (default: SBS_DATA_DIR).", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    for command in (up, down, status, logs):
        app.command()(command)


def up(
    data_dir: DataDir = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", "-f", help="Stay on the terminal; Ctrl-C stops.")
    ] = False,
    only: Annotated[str, typer.Option(help="Start only these components, comma separated.")] = "",
) -> None:
    """Start the platform and wait until it is ready."""
    names = [name.strip() for name in only.split(",") if name.strip()]
    start = starting.up_in_foreground if foreground else starting.up_detached
    try:
        start(_directory(data_dir), names, typer.echo)
    except StartFailedError as error:
        typer.echo(starting.last_words(error), err=True)
        raise _failed(error) from error
    except (EmbeddedError, ConfigurationError) as error:
        raise _failed(error) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error
    if not foreground and not names:
        _welcome(data_dir)


def _welcome(data_dir: Path | None) -> None:
    # Loaded only here: `sbs status` is to be quick, and needs no tables.
    from sbs_server.roles.welcome import welcome  # noqa: PLC0415 - see above

    typer.echo(welcome(_directory(data_dir)))


def down(
    data_dir: DataDir = None,
    timeout: Annotated[float, typer.Option(help="Seconds before a supervisor that hangs is killed.")] = 120.0,
) -> None:
    """Stop the platform, in order; also what a killed supervisor has left."""
    try:
        stopping.down(_directory(data_dir), typer.echo, timeout)
    except (EmbeddedError, ConfigurationError) as error:
        raise _failed(error) from error


def status(
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show the components. Exit code 0: all ready, 1: something is not, 3: nothing runs."""
    try:
        found = look(_directory(data_dir))
    except (EmbeddedError, ConfigurationError) as error:
        raise _failed(error) from error
    if as_json:
        typer.echo(json.dumps(found.document(), indent=2))
    else:
        _print(found)
    raise typer.Exit(found.exit_code)


def logs(
    component: Annotated[str | None, typer.Argument(help="One component (default: all).")] = None,
    data_dir: DataDir = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Lines of each log.")] = 50,
) -> None:
    """Show the end of the logs."""
    try:
        files = log_reading.log_files(_directory(data_dir), component)
        for name, line in _lines(files, lines, follow=follow):
            typer.echo(line if component else f"{name:<10} {line}")
    except (EmbeddedError, ConfigurationError) as error:
        raise _failed(error) from error
    except (PermissionError, FileNotFoundError) as error:
        raise _failed(log_reading.unreadable(Path(error.filename or "a log"), error)) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error


def _lines(files: Sequence[Path], count: int, *, follow: bool) -> Iterator[tuple[str, str]]:
    for path in files:
        for line in log_reading.tail(path, count):
            yield path.stem, line
    if follow:
        yield from log_reading.follow(files)


def _directory(data_dir: Path | None) -> Path:
    return Settings.load(data_dir).data_dir


def _failed(error: Exception) -> typer.Exit:
    typer.echo(f"sbs: {error}", err=True)
    return typer.Exit(1)


def _print(found: Status) -> None:
    if found.supervisor_pid is None:
        typer.echo(f"Nothing runs on {found.data_dir}.")
        if not any(row.state == "orphan" for row in found.components):
            return
    titles = ("COMPONENT", "STATE", "PID", "RESTARTS", "MEMORY", "PORT", "SINCE", "")
    print_table(titles, [_cells(row) for row in found.components], whole=[True] * 7 + [False])


def _cells(row: Row) -> list[str]:
    memory = f"{row.memory_bytes / 2**20:.0f} MiB" if row.memory_bytes is not None else ""
    numbers = (row.pid, row.restarts)
    pid, restarts = ("" if value is None else str(value) for value in numbers)
    port = "" if row.port is None else str(row.port)
    return [row.component, row.state, pid, restarts, memory, port, row.since, row.detail]
