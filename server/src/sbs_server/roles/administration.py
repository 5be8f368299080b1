"""`sbs login`, `agents`, `jobs`, `runs`, `snapshots`, `restore`, …: an administrator's work over the API."""

import typer

from sbs_server.cli.commands import agents, jobs, repositories, restore, runs, session, snapshots


def register(app: typer.Typer) -> None:
    """Adds these commands to `app`."""
    session.register(app)
    restore.register(app)
    for name, module in (
        ("agents", agents),
        ("repositories", repositories),
        ("jobs", jobs),
        ("runs", runs),
        ("snapshots", snapshots),
    ):
        app.add_typer(module.app, name=name, rich_help_panel="Administration")
