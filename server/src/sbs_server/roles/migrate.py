"""`sbs migrate`: brings the database's schema up to date, as the owner of the tables."""

import asyncio

import typer

from sbs_server.config import ConfigurationError, Settings
from sbs_server.kit.db import migrate
from sbs_server.migrations import scripts


def main() -> None:
    """Upgrades to the newest revision; does nothing when the database is there already."""
    try:
        settings = Settings.load()
        url = settings.database.url("sbs_owner")
    except ConfigurationError as error:
        typer.echo(f"sbs migrate: {error}", err=True)
        raise typer.Exit(2) from error
    with scripts() as folder:
        asyncio.run(migrate.upgrade(url, folder))
    typer.echo("the database is up to date")
