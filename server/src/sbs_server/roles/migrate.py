"""`sbs migrate`: brings the database's schema up to date, as the owner of the tables."""

import asyncio
from importlib.resources import as_file, files

import typer

from sbs_server.config import ConfigurationError, Settings
from sbs_server.kit.db import migrate


def main() -> None:
    """Upgrades to the newest revision; does nothing when the database is there already."""
    try:
        settings = Settings.load()
        url = settings.database.url("sbs_owner")
    except ConfigurationError as error:
        typer.echo(f"sbs migrate: {error}", err=True)
        raise typer.Exit(2) from error
    with as_file(files("sbs_server") / "migrations") as scripts:
        asyncio.run(migrate.upgrade(url, scripts))
    typer.echo("the database is up to date")
