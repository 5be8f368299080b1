"""`sbs outbox`: what still has to leave, and what could not."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.config import ConfigurationError, Settings
from sbs_server.kit.db.session import Database
from sbs_server.messaging import outbox_rows
from sbs_server.models import Outbox

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Data directory (default: SBS_DATA_DIR).", show_default=False),
]
Answer = TypeVar("Answer")

outbox = typer.Typer(help="Effects that wait to leave the database.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands to `app`."""
    app.add_typer(outbox, name="outbox")


@outbox.command("list")
def list_rows(
    data_dir: DataDir = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also rows that are only waiting for their turn.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
) -> None:
    """Show rows that were given up on, oldest first."""

    async def rows(session: AsyncSession) -> list[Outbox]:
        return list(await outbox_rows.waiting(session, parked_only=not everything, most=limit))

    found = _with_database(data_dir, rows)
    for row in found:
        typer.echo(_line(row))
    if not found:
        typer.echo("nothing is waiting" if everything else "nothing was given up on")


@outbox.command("retry")
def retry(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of rows, from `sbs outbox list`.")] = None,
    data_dir: DataDir = None,
    everything: Annotated[bool, typer.Option("--all", help="All rows that were given up on.")] = False,
) -> None:
    """Have rows that were given up on tried again."""
    if everything == bool(ids):
        typer.echo("sbs outbox retry: name the rows to try again, or give --all for every one", err=True)
        raise typer.Exit(2)
    wanted = None if everything else [_row_id(text) for text in ids or []]

    async def again(session: AsyncSession) -> int:
        return await outbox_rows.retry(session, wanted)

    count = _with_database(data_dir, again)
    typer.echo(f"{count} {'row is' if count == 1 else 'rows are'} tried again")
    if wanted is not None and count < len(wanted):
        typer.echo(f"sbs outbox retry: {len(wanted) - count} of the ids are no parked rows", err=True)
        raise typer.Exit(1)


def _row_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        typer.echo(f"sbs outbox retry: {text!r} is no id of a row; `sbs outbox list` shows them", err=True)
        raise typer.Exit(2) from error


def _with_database(data_dir: Path | None, act: Callable[[AsyncSession], Awaitable[Answer]]) -> Answer:
    async def work() -> Answer:
        database = Database(Settings.load(data_dir).database.url("sbs_system"), pool_size=1)
        try:
            async with database.transaction() as session:
                return await act(session)
        finally:
            await database.close()

    try:
        return asyncio.run(work())
    except ConfigurationError as error:
        typer.echo(f"sbs outbox: {error}", err=True)
    except (SQLAlchemyError, OSError) as error:
        typer.echo(
            f"sbs outbox: the database can't be used ({type(error).__name__}); is it running?", err=True
        )
    raise typer.Exit(1)


def _line(row: Outbox) -> str:
    age_s = int((datetime.now(UTC) - row.created_at).total_seconds())
    state = "parked" if row.parked_at else "waiting"
    reason = f"  {row.last_error}" if row.last_error else ""
    return f"{row.id}  {state:8} {row.kind.value:16} {row.attempts:3} attempts  {age_s:7} s  {row.aggregate}{reason}"
