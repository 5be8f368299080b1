"""`sbs audit verify`: whether the audit log is still what was written."""

import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_server.audit import repository
from sbs_server.audit.repository import PLATFORM
from sbs_server.audit.verify import Fault
from sbs_server.config import ConfigurationError, Settings
from sbs_server.kit.db.session import Database

audit = typer.Typer(help="The audit log.", no_args_is_help=True)


@dataclass(frozen=True, slots=True)
class Report:
    """One chain: its last whole entry with its hash, and the first fault."""

    chain: UUID
    sequence: int
    hash: str
    fault: Fault | None

    @property
    def name(self) -> str:
        return "platform" if self.chain == PLATFORM else str(self.chain)


class _WrongInputError(Exception):
    """An option is wrong; the message says which and what would be right."""


def register(app: typer.Typer) -> None:
    """Adds these commands to `app`."""
    app.add_typer(audit, name="audit")


@audit.command()
def verify(
    organization: Annotated[
        str, typer.Option(help="Only the chain of this organization (its id), or `platform`.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
    data_dir: Annotated[Path | None, typer.Option(help="Data directory (default: SBS_DATA_DIR).")] = None,
) -> None:
    """Recompute every hash. Exit code 0: all is as it was written; 1: it is not; 2: it could not be checked."""
    try:
        only = _chain(organization)
        reports = asyncio.run(_reports(Settings.load(data_dir), only))
    except (_WrongInputError, ConfigurationError) as error:
        typer.echo(f"sbs audit verify: {error}", err=True)
        raise typer.Exit(2) from error
    except (SQLAlchemyError, OSError) as error:
        reason = type(getattr(error, "orig", None) or error).__name__
        typer.echo(f"sbs audit verify: the database can't be used ({reason}); is it running?", err=True)
        raise typer.Exit(2) from error
    typer.echo(json.dumps([asdict(one) for one in reports], default=str) if as_json else _text(reports))
    if any(one.fault for one in reports):
        raise typer.Exit(1)


def _chain(organization: str) -> UUID | None:
    if not organization:
        return None
    if organization == "platform":
        return PLATFORM
    try:
        return UUID(organization)
    except ValueError:
        raise _WrongInputError(f"--organization {organization}: give its id, or platform") from None


async def _reports(settings: Settings, only: UUID | None) -> list[Report]:
    database = Database(settings.database.url("sbs_system"), pool_size=1, application_name="sbs audit verify")
    try:
        async with database.transaction() as session:
            # One moment of the database: acts recorded meanwhile are neither half seen nor missed.
            await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            there = await repository.chains(session)
            if only is not None and only not in there:
                raise _WrongInputError(f"--organization {only}: no acts are recorded there")
            return [await _report(session, chain) for chain in there if only in {None, chain}]
    finally:
        await database.close()


async def _report(session: AsyncSession, chain: UUID) -> Report:
    progress, fault = await repository.check(session, chain)
    return Report(chain, progress.sequence, progress.hash, fault)


def _text(reports: list[Report]) -> str:
    lines = []
    for one in reports:
        if one.fault is not None:
            lines.append(f"{one.name}: FAULT: {one.fault.explanation}")
        else:
            lines.append(f"{one.name}: whole, {one.sequence} entries, ends with {one.hash}")
    faults = sum(one.fault is not None for one in reports)
    return "\n".join([*lines, f"{len(reports)} chains, {faults} with a fault"])
