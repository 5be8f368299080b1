"""Storing the files that an agent could not read or restore."""

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from sbs_protocol.events import CommandWarnings, FileWarning
from sbs_server.kit.ids import new_id
from sbs_server.messaging.errors import UnreadableEventError
from sbs_server.models import Command, Run, RunWarning

_LONGEST_MESSAGE = 2000


async def store(session: AsyncSession, command: Command, body: CommandWarnings) -> None:
    """One row for each, once, by its place in the attempt's list; then the run's total.

    Errors: UnreadableEventError.
    """
    rows = [
        {
            "id": new_id(),
            "organization_id": command.organization_id,
            "run_id": command.run_id,
            "command_id": command.id,
            "attempt": command.attempt,
            "position": body.first_index + offset,
            "path": warning.path.text,
            "path_raw": _raw(warning),
            "code": warning.code,
            "message": warning.message[:_LONGEST_MESSAGE],
        }
        for offset, warning in enumerate(body.warnings)
    ]
    if rows:
        await session.execute(insert(RunWarning).values(rows).on_conflict_do_nothing())
    command.last_heard_at = func.now()
    await session.flush()
    await session.execute(
        update(Run).where(Run.id == command.run_id).values(warnings_total=await _total(session, command))
    )


async def _total(session: AsyncSession, command: Command) -> int:
    """Warnings of the present attempts of all the run's commands: an attempt that was repeated counts no more.

    The highest position is one step in the unique index; counting would read them all, each time.
    """
    highest = (
        select(func.max(RunWarning.position) + 1)
        .where(
            RunWarning.run_id == Command.run_id,
            RunWarning.command_id == Command.id,
            RunWarning.attempt == Command.attempt,
        )
        .correlate(Command)
        .scalar_subquery()
    )
    total = select(func.sum(func.coalesce(highest, 0))).where(Command.run_id == command.run_id)
    return int(await session.scalar(total) or 0)


def _raw(warning: FileWarning) -> bytes | None:
    if warning.path.raw is None:
        return None
    try:
        return warning.path.to_bytes()
    except ValueError as error:
        raise UnreadableEventError("a path's raw bytes are not base64") from error
