"""`sbs`: the one command line of the control plane.

A file below `roles/` adds its commands in a function `register(app)`; it is named in `_COMMANDS`. The roles
themselves are in `_ROLES`: imported only when they are started, so that `sbs status` does not load half of the
platform. Such a module has a function `main()`, which returns when the role has been stopped.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

import typer

_COMMANDS: tuple[str, ...] = ("platform", "create_admin", "administration", "outbox", "audit")

_ROLES: dict[str, str] = {
    "api": "Serve the API.",
    "gateway": "Serve repositories to restic.",
    "bus": "Admit agents to NATS, take in their events, publish the outbox.",
    "worker": "Run workflows and activities.",
    "migrate": "Bring the database's schema up to date.",
}

app = typer.Typer(
    name="sbs", help="SBS: backups of many machines.", no_args_is_help=True, pretty_exceptions_enable=False
)


def _role(name: str) -> Callable[[], None]:
    def command() -> None:
        module = f"sbs_server.roles.{name}"
        if importlib.util.find_spec(module) is None:
            typer.echo(f"sbs: this build has no role {name!r} ({module} is missing)", err=True)
            raise typer.Exit(2)
        importlib.import_module(module).main()

    return command


def _build() -> None:
    for name, text in _ROLES.items():
        app.command(name, help=text, rich_help_panel="Roles")(_role(name))
    for name in _COMMANDS:
        importlib.import_module(f"sbs_server.roles.{name}").register(app)


_build()


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()
